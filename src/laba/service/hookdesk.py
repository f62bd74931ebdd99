"""Every call about hooks, dead letters and words: which service does what (S6, S7)."""

from laba.model.app import App
from laba.model.hookcalls import (
    DeadLettersListed,
    DeadLettersResent,
    GetWords,
    HookAnswer,
    HookCall,
    HookRemoved,
    HooksShown,
    ListDeadLetters,
    ListHooks,
    PutHook,
    PutWords,
    RemoveHook,
    ResendDeadLetters,
)
from laba.model.refusal import Code, Refusal
from laba.service.moderating import Moderating
from laba.service.postman import Postman
from laba.service.tenants import Tenants


class HookDesk:
    """Answers calls about what an app is told, and what it does not want said."""

    def __init__(self, tenants: Tenants, postman: Postman, moderating: Moderating) -> None:
        self._tenants = tenants
        self._postman = postman
        self._letters = postman.letters
        self._moderating = moderating

    async def serve(self, call: HookCall, app: App) -> HookAnswer | Refusal:
        match call:
            case ListHooks():
                return HooksShown(app.policy.hooks, await self._letters.mailboxes(app.uuid))
            case PutHook():
                return await self._put(call, app)
            case RemoveHook(name):
                return await self._remove(name, app)
            case ListDeadLetters():
                return await self._dead(call, app)
            case ResendDeadLetters():
                return await self._resend(call, app)
            case GetWords() | PutWords():
                return await self._moderating.words(call, app)

    async def _put(self, call: PutHook, app: App) -> HooksShown | Refusal:
        """Have a hook. What waits for it goes to its new address, in its new form."""
        put = await self._tenants.put_hook(call.hook, app)
        if isinstance(put, Refusal):
            return put
        self._postman.wake(app.uuid, put.name)
        mailboxes = await self._letters.mailboxes(app.uuid)
        return HooksShown((put,), {name: box for name, box in mailboxes.items() if name == put.name})

    async def _remove(self, name: str, app: App) -> HookRemoved | Refusal:
        refusal = await self._tenants.remove_hook(name, app)
        if refusal is not None:
            return refusal
        await self._letters.forget(app.uuid, name)
        self._postman.forget(app.uuid, name)
        return HookRemoved(name)

    async def _dead(self, call: ListDeadLetters, app: App) -> DeadLettersListed | Refusal:
        refusal = _unknown(call.hook, app)
        if refusal is not None:
            return refusal
        found = await self._letters.dead(app.uuid, call.hook, call.after, call.limit + 1)
        shown = found[: call.limit]
        return DeadLettersListed(shown, shown[-1].letter.number if len(found) > len(shown) else 0)

    async def _resend(self, call: ResendDeadLetters, app: App) -> DeadLettersResent | Refusal:
        refusal = _unknown(call.hook, app)
        if refusal is not None:
            return refusal
        count = await self._letters.revive(app.uuid, call.hook, call.numbers)
        self._postman.wake(app.uuid, call.hook)
        return DeadLettersResent(count)


def _unknown(name: str, app: App) -> Refusal | None:
    if any(hook.name == name for hook in app.policy.hooks):
        return None
    return Refusal(Code.HOOK_UNKNOWN, f"{app.name} has no hook {name}", subject=name)

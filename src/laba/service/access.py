"""Who is calling: checks tokens of every kind, and issues laba's own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from laba.core import passwords, signing
from laba.core.familiar import Familiar
from laba.core.signing import Nonces
from laba.core.tokens import NEVER, Token
from laba.model.app import App
from laba.model.calls import Grant, TokenIssued, TokenRequest
from laba.model.identity import Identity, SignedHead
from laba.model.refusal import Code, Refusal
from laba.model.user import User
from laba.ports import TokenReader
from laba.service.ground import Ground
from laba.service.hashing import Hashing
from laba.service.tenants import Tenants
from laba.service.users import Users

# How many tokens of back ends are remembered; each of them uses one of its own for many calls.
_FAMILIAR_MAX = 1024


@dataclass(frozen=True, slots=True)
class TokenRules:
    """How long a token lives where the caller does not say, and whether a trusted one registers the user it names."""

    app_seconds: int
    user_seconds: int
    registers: bool = True


class Access:
    """Every proof of identity goes through here."""

    def __init__(
        self,
        tenants: Tenants,
        users: Users,
        hashing: Hashing,
        readers: Sequence[TokenReader],
        rules: TokenRules,
        ground: Ground,
    ) -> None:
        self._tenants = tenants
        self._users = users
        self._hashing = hashing
        self._readers = readers
        self._rules = rules
        self._ground = ground
        self._familiar = Familiar(_FAMILIAR_MAX)
        self._nonces = Nonces()

    def identify(self, token: str) -> Identity | Refusal:
        """Tell who a token names. Touches no store: whether the user still exists is for the login to ask."""
        if not token:
            return Refusal(Code.TOKEN_CORRUPT, "the Authorization header holds no bearer token")
        now_ms, apps = self._ground.clock(), self._tenants.apps
        known = self._familiar.get(token, apps, now_ms)
        if known is not None:
            return known
        for reader in self._readers:
            found = reader.recognise(token, apps, now_ms)
            if isinstance(found, Identity) and found.user is None:
                self._familiar.keep(token, apps, found)
            if found is not None:
                return found
        return Refusal(Code.TOKEN_CORRUPT, "the token is of no known kind")

    def objection(self, proof: str | None, app: App) -> Refusal | None:
        """Say why `proof` is no app token of `app`, or None (A10)."""
        if proof is None:
            return Refusal(Code.TOKEN_MISSING, "an Authorization: Bearer header with an app token is needed")
        identity = self.identify(proof)
        if isinstance(identity, Refusal):
            return identity
        if identity.app_uuid != app.uuid:
            return Refusal(Code.TOKEN_MISMATCH, f"the token belongs to another app than {app.name}")
        if identity.user is not None:
            return Refusal(Code.TOKEN_MISMATCH, "a user's token cannot do this; an app token is needed")
        return None

    def objection_to_signature(self, signed: SignedHead | None, app: App) -> Refusal | None:
        """Say why a call was not signed by a holder of the secret of `app`, or None (S10)."""
        return signing.objection(signed, app, self._ground.clock(), self._nonces)

    async def actor(self, proof: str | None, app: App) -> str | Refusal | None:
        """Give the user of `app` whom `proof` names, None where it is the app's own; or say why it is no proof."""
        identity = self._of_user(proof, app)
        if identity is None:
            return self.objection(proof, app)
        return await self._objection_to_holder(identity, app) or identity.user

    async def objection_to_user(self, proof: str | None, app: App, name: str) -> Refusal | None:
        """Say why `proof` may not act for one user of `app`, or None: the app may, and the user itself."""
        identity = self._of_user(proof, app)
        if identity is None:
            return self.objection(proof, app)
        if identity.user != name:
            return Refusal(Code.TOKEN_MISMATCH, f"the token is of another user than {name}")
        return await self._objection_to_holder(identity, app)

    async def objection_to_any_user(self, proof: str | None, app: App) -> Refusal | None:
        """Say why `proof` is neither a token of `app` nor one of an active user of it, or None."""
        acting = await self.actor(proof, app)
        return acting if isinstance(acting, Refusal) else None

    def _of_user(self, proof: str | None, app: App) -> Identity | None:
        """Give whom a genuine token of a user of `app` names; None for anything else."""
        identity = None if proof is None else self.identify(proof)
        if not isinstance(identity, Identity) or identity.user is None or identity.app_uuid != app.uuid:
            return None
        return identity

    async def _objection_to_holder(self, identity: Identity, app: App) -> Refusal | None:
        name = identity.user or ""
        user = await self._users.find(app, name)
        if user is None or not user.activated:
            return Refusal(Code.USER_UNKNOWN, f"there is no active user {name}", subject=name)
        if identity.epoch is not None and identity.epoch != user.epoch:
            return Refusal(Code.TOKEN_UNKNOWN, "the token was revoked")
        return None

    async def issue(self, call: TokenRequest, app: App) -> TokenIssued | Refusal:
        match call.grant:
            case Grant.CLIENT_CREDENTIALS:
                return self._for_client(call, app)
            case Grant.PASSWORD:
                return await self._for_password(call, app)
            case Grant.INHERIT:
                return self.objection(call.proof, app) or await self._for_user(call, app)
            case Grant.EXCHANGE:
                return await self._exchange(call, app)
            case Grant.DIRECT:
                return await self._for_user(call, app) if call.username else self._issued(call, app)

    def _for_client(self, call: TokenRequest, app: App) -> TokenIssued | Refusal:
        if not passwords.equal(call.client_id, app.keys.client_id):
            return Refusal(Code.CLIENT_ID_WRONG, f"the client_id is not that of {app.name}", field="client_id")
        if not passwords.equal(call.client_secret, app.keys.client_secret):
            return Refusal(
                Code.CLIENT_SECRET_WRONG, "the client_secret does not belong to the client_id", field="client_secret"
            )
        return self._issued(call, app)

    async def _for_password(self, call: TokenRequest, app: App) -> TokenIssued | Refusal:
        async with self._hashing.place() as refusal:
            if refusal is not None:
                return refusal
            user = await self._users.find(app, call.username)
            # An unknown user costs the same time as a wrong password, so that neither tells which it was.
            stored = passwords.NOBODY if user is None or user.password_hash is None else user.password_hash
            right = await self._hashing.matches(call.password, stored)
        if not right or user is None or not user.activated:
            return Refusal(Code.PASSWORD_WRONG, "no active user has this name and password")
        return await self._issued_to(user, call, app)

    async def _for_user(self, call: TokenRequest, app: App) -> TokenIssued | Refusal:
        user = await self._user(call.username, app, register=call.register)
        return user if isinstance(user, Refusal) else await self._issued_to(user, call, app)

    async def _user(self, name: str, app: App, *, register: bool) -> User | Refusal:
        """Find a user who may have a token."""
        user = await (self._users.find_or_register(app, name) if register else self._users.find(app, name))
        if user is None:
            return Refusal(Code.USER_UNKNOWN, f"there is no user {name}", subject=name)
        if not user.activated:
            return Refusal(Code.USER_DEACTIVATED, f"{name} is deactivated", subject=name)
        return user

    async def _exchange(self, call: TokenRequest, app: App) -> TokenIssued | Refusal:
        """Turn a token that someone else signed into one of ours, which may do no more, and ends no later."""
        if call.proof is None:
            return Refusal(Code.TOKEN_MISSING, "the token to exchange goes into the Authorization header")
        identity = self.identify(call.proof)
        if isinstance(identity, Refusal):
            return identity
        if identity.app_uuid != app.uuid:
            return Refusal(Code.TOKEN_MISMATCH, f"the token belongs to another app than {app.name}")
        if identity.user is None:
            return self._issued(call, app, until_ms=identity.expires_at_ms)
        user = await self._user(identity.user, app, register=identity.registers and self._rules.registers)
        if isinstance(user, Refusal):
            return user
        if identity.epoch is not None and identity.epoch != user.epoch:
            return Refusal(Code.TOKEN_UNKNOWN, "the token was revoked")
        return await self._issued_to(user, call, app, until_ms=identity.expires_at_ms)

    async def _issued_to(
        self, user: User, call: TokenRequest, app: App, until_ms: int = NEVER
    ) -> TokenIssued | Refusal:
        """Sign a token for a user, and note of it that it has one."""
        noted = await self._users.note_token(user, call.nickname, call.portrait)
        if noted is None:
            return Refusal(Code.USER_UNKNOWN, f"there is no user {user.name}", subject=user.name)
        # Signed for the epoch under which the caller was judged: what was revoked meanwhile stays so.
        return self._issued(call, app, replace(noted, epoch=user.epoch), until_ms)

    def _issued(self, call: TokenRequest, app: App, user: User | None = None, until_ms: int = NEVER) -> TokenIssued:
        """Sign a token. With `until_ms` that is its latest end, and its end where the caller does not say."""
        default = self._rules.app_seconds if user is None else self._rules.user_seconds
        asked = default if call.ttl_seconds is None and until_ms == NEVER else call.ttl_seconds or 0
        now_ms = self._ground.clock()
        ends = [end for end in (now_ms + asked * 1000 if asked else NEVER, until_ms) if end != NEVER]
        expires_at_ms = min(ends, default=NEVER)
        # Rounded up: 0 would say that it never ends.
        seconds = max(1, -(-(expires_at_ms - now_ms) // 1000)) if ends else 0
        token = (
            Token(app.uuid, expires_at_ms) if user is None else Token(app.uuid, expires_at_ms, user.name, user.epoch)
        )
        return TokenIssued(call.grant, token.signed(app.keys.token_key), seconds, expires_at_ms, user)

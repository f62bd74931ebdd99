// Has laba push to this browser for a user.
'use strict';

// `publicKey` is the public_key of the app's Web Push provider: `laba provider list ORG/APP --json` shows it.
async function subscribe(publicKey) {
  await navigator.serviceWorker.register('sw.js');
  const { pushManager } = await navigator.serviceWorker.ready;
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey });
}

// `api` is laba's address for the app, .../v1/apps/ORG/APP; `token` is the user's own.
async function register(subscription, { api, user, token, device }) {
  const answer = await fetch(`${api}/users/${user}/devices/${device}`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ provider: 'webpush', token: subscription }),
  });
  if (!answer.ok) throw new Error(`laba answered ${answer.status}: ${await answer.text()}`);
}

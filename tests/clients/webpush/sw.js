// Shows what laba pushes to this site; the browser wakes it for each push, whether a page is open or not.
'use strict';

// What a push without a title is shown under.
const APP = 'My app';

self.addEventListener('push', (event) => {
  const { title = APP, body, silent, message, extras, options } = event.data.json();
  if (silent) {
    event.waitUntil(tellPages(message));
    return;
  }
  // Another push of the same message takes the first one's place: after a crash laba may repeat one.
  event.waitUntil(self.registration.showNotification(title, { body, tag: message.id, data: extras, image: options?.image }));
});

// A silent push shows nothing: pages that are open are told that there is something to fetch.
async function tellPages(message) {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  pages.forEach((page) => page.postMessage(message));
}

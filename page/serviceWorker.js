// Keeps the files of the page, so that it works without a network after the first visit. The build fills in the names.
const FILES = 'FILES';
const CACHE = 'bptt-page-VERSION';

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

self.addEventListener('activate', (event) => {
  const old = caches.keys().then((keys) => keys.filter((key) => key.startsWith('bptt-page-') && key !== CACHE));
  event.waitUntil(
    old.then((keys) => Promise.all(keys.map((key) => caches.delete(key)))).then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  if (event.request.method !== 'GET') return;
  event.respondWith(
    caches.match(event.request, { ignoreSearch: true }).then((kept) => kept ?? fetchAndKeep(event.request)),
  );
});

/** What was not loaded at the first visit, the engine for a GPU, is there without a network once it was asked for. */
async function fetchAndKeep(request) {
  const response = await fetch(request);
  if (response.ok) (await caches.open(CACHE)).put(request, response.clone());
  return response;
}

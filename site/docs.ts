/** `npm run docs`: the README, the guides and the API reference as pages, in `site/dist`; fails where a link leads nowhere. */
import { fileURLToPath } from 'node:url';
import { assertLinks } from './links.ts';
import { writeReference } from './reference.ts';

const dist = fileURLToPath(new URL('dist', import.meta.url));
await writeReference(dist, null);
await assertLinks(dist);
console.log(`Written: ${dist}`);

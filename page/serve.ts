import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { preview } from 'vite';

/** What opens an address in the browser of whoever sits there. */
const OPENERS: Partial<Record<NodeJS.Platform, [command: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

const server = await preview({ configFile: fileURLToPath(new URL('vite.config.ts', import.meta.url)) });
server.printUrls();
const [address] = server.resolvedUrls?.local ?? [];
if (address !== undefined) {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  // A machine without a screen has nothing to open it with: the address above is enough.
  spawn(command, [...args, address], { stdio: 'ignore' }).on('error', () => {});
}

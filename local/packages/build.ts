import { readdir, rm } from 'node:fs/promises';
import { buildApps } from './build-apps.ts';

/** `npm run build`: the three apps in dist/, which package.json names as main. */
await rm('dist', { recursive: true, force: true });
await buildApps('dist');
const entries = (await readdir('dist')).filter((name) => name.endsWith('.app.js'));
console.log(`dist/: ${entries.join(', ')}`);

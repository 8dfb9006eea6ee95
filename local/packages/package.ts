import { rm } from 'node:fs/promises';
import { packageApps } from './package-apps.ts';

/** `npm run package`: the three apps in out/, a folder and a zip each, as `azd up` and `az functionapp deployment` take them. */
await rm('out', { recursive: true, force: true });
for (const { app, zip, files, bytes, hash } of await packageApps('out')) {
  const size = `${Math.round(bytes / 1024)} KB`;
  console.log(
    `${app.padEnd(7)} ${zip.padEnd(15)} ${size.padStart(7)} ${String(files).padStart(3)} files  sha256 ${hash}`,
  );
}

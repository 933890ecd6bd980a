/**
 * Runs on a client: `slow-feed.ts KILOBYTES-PER-SECOND STOP-FILE DIGEST-FILE`. Writes random bytes to standard output at that rate until the stop file is
 * there, then the sha256 of all of them into the digest file. A copy that is always under way and never fills a queue.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const TICK_MS = 20;
const [rate = '', stopFile = '', digestFile = ''] = process.argv.slice(2);
const hash = createHash('sha256');
const chunkBytes = Math.round((Number(rate) * 1024 * TICK_MS) / 1000);

while (!existsSync(stopFile)) {
  const chunk = randomBytes(chunkBytes);
  hash.update(chunk);
  if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  await delay(TICK_MS);
}
writeFileSync(digestFile, hash.digest('hex'));
process.stdout.end();

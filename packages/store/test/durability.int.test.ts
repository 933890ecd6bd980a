import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CaptureEpoch, CaptureKey } from '@routerd/mobility';
import { instant } from '@routerd/resources';
import { expect, onTestFinished, test } from 'vitest';
import { StoreError } from '../src/store-fault.ts';
import { opened, temporaryFile, temporaryFolder } from './store-rig.ts';

const key = 'cloudedge|address|domain' as CaptureKey;

/** Runs the writer, kills it with -9 in the middle of its writing, and returns the last number that it said was on disk. */
async function writeUntilKilled(file: string, after: number): Promise<number> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'endless-writer.ts'), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close');
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    text += chunk;
    if (Number(text.trimEnd().split('\n').at(-1)) >= after) child.kill('SIGKILL');
  });
  await ended;
  const complete = text.slice(0, text.lastIndexOf('\n'));
  return Number(complete.split('\n').at(-1));
}

test('kill -9 in the middle of writing loses nothing that was acknowledged, and no sequence comes twice', async () => {
  const file = temporaryFile();
  let last = 0;
  for (let round = 1; round <= 3; round += 1) {
    const acknowledged = await writeUntilKilled(file, last + 150);
    expect(acknowledged).toBeGreaterThan(last);
    const store = opened(file);
    const sequences = store.facts.unsent(1_000_000).map(({ fact }) => fact.sequence);
    // All of them, without a gap and without a repetition, over all rounds.
    expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, index) => index + 1));
    expect(sequences.length).toBeGreaterThanOrEqual(acknowledged);
    expect(store.highWater.all().get(key)).toBeGreaterThanOrEqual(acknowledged);
    expect(store.ledger.entries()).toContainEqual({ key: `route:${acknowledged}`, priorValue: undefined });
    last = sequences.length;
    store.close();
  }
});

/** A file system of 2 MiB of its own. */
function smallDisk(): string {
  const folder = path.join(temporaryFolder(), 'small');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'routerd-store-test', folder]);
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return folder;
}

test('a full disk is reported with its remedy, loses nothing, and heals when space is freed', () => {
  const folder = smallDisk();
  const store = opened(path.join(folder, 'routerd.db'));
  const ballast = path.join(folder, 'ballast');
  writeFileSync(ballast, Buffer.alloc(1024 * 1024));
  let acknowledged = 0;
  let thrown: unknown;
  for (let epoch = 1; epoch <= 20_000 && thrown === undefined; epoch += 1) {
    try {
      store.highWater.raise([{ key, epoch: epoch as CaptureEpoch }]);
      store.objects.save(`kind/${epoch}`, { text: 'x'.repeat(1000) }, instant(epoch));
      acknowledged = epoch;
    } catch (cause) {
      thrown = cause;
    }
  }
  expect(thrown).toBeInstanceOf(StoreError);
  const fault = thrown instanceof StoreError ? thrown.fault : undefined;
  expect(fault).toMatchObject({ code: 'store.full', remedy: expect.stringContaining('Free space') });
  expect(store.lastFault()?.code).toBe('store.full');
  expect(acknowledged).toBeGreaterThan(0);
  expect(store.objects.all()).toHaveLength(acknowledged);

  rmSync(ballast);
  store.highWater.raise([{ key, epoch: 100_000 as CaptureEpoch }]);
  expect(store.lastFault()).toBeUndefined();
  store.close();
  const again = opened(path.join(folder, 'routerd.db'));
  expect(again.highWater.all().get(key)).toBe(100_000);
  expect(again.objects.all()).toHaveLength(acknowledged);
  again.close();
});

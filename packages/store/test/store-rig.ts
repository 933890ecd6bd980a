/** Temporary state files that are gone after the test, also when it fails. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RecordingLog } from '@routerd/runtime';
import { onTestFinished } from 'vitest';
import { openStore, type Store } from '../src/open-store.ts';

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'routerd-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function temporaryFile(): string {
  return path.join(temporaryFolder(), 'state', 'routerd.db');
}

/** Opens, or fails the test with the fault's own words; closed when the test ends. */
export function opened(file: string): Store {
  const store = openStore(file, { log: new RecordingLog() });
  if (!store.ok) throw new Error(`${store.error.code}: ${store.error.message}`);
  onTestFinished(() => store.value.close());
  return store.value;
}

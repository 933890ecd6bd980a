import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { openStore } from '../src/open-store.ts';
import { opened, temporaryFile, temporaryFolder } from './store-rig.ts';

const log = new RecordingLog();

test('a new state file and its folder are readable by their owner alone', () => {
  const file = temporaryFile();
  opened(file).meta.recordStart();
  expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
  for (const each of [file, `${file}.lock`, `${file}-wal`, `${file}-shm`])
    expect([each, statSync(each).mode & 0o777]).toEqual([each, 0o600]);
});

test('a file that others could read is made private', () => {
  const file = temporaryFile();
  opened(file).close();
  chmodSync(file, 0o644);
  opened(file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('the same state cannot be opened twice, and can be once the first has closed it', () => {
  const file = temporaryFile();
  const first = opened(file);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const second = openStore(file, { log });
    expect(second).toMatchObject({ ok: false, error: { code: 'store.locked' } });
    expect(second.ok ? '' : second.error.remedy).toContain('Stop the other process');
  }
  first.meta.recordStart();
  first.close();
  expect(opened(file).meta.recordStart()).toBe(2);
});

test('a schema that is newer than this routerd is refused and left as it is', () => {
  const file = temporaryFile();
  opened(file).close();
  const database = new Database(file);
  database.pragma('user_version = 999');
  database.close();
  const before = readFileSync(file);
  const store = openStore(file, { log });
  expect(store).toMatchObject({ ok: false, error: { code: 'store.newer-version' } });
  expect(store.ok ? '' : store.error.message).toContain('schema version 999');
  expect(readFileSync(file)).toEqual(before);
});

test('a file that is no database is reported and left as it is', () => {
  const folder = temporaryFolder();
  const file = path.join(folder, 'routerd.db');
  writeFileSync(file, 'not a database, whatever its name says'.repeat(200));
  const store = openStore(file, { log });
  expect(store).toMatchObject({ ok: false, error: { code: 'store.corrupt' } });
  expect(readFileSync(file, 'utf8')).toContain('not a database');
});

test('a damaged page is found when the file is opened', () => {
  const file = temporaryFile();
  const store = opened(file);
  for (let index = 0; index < 200; index += 1)
    store.objects.save(`kind/${index}`, { text: 'x'.repeat(500) }, 1 as never);
  store.close();
  const bytes = readFileSync(file);
  bytes.fill(0xff, 4096 * 12, 4096 * 20);
  writeFileSync(file, bytes);
  expect(openStore(file, { log })).toMatchObject({ ok: false, error: { code: 'store.corrupt' } });
});

test('a path that cannot be a file is reported', () => {
  const folder = temporaryFolder();
  expect(openStore(folder, { log })).toMatchObject({ ok: false, error: { code: 'store.unreadable' } });
  expect(openStore('/proc/no/such/routerd.db', { log })).toMatchObject({
    ok: false,
    error: { code: 'store.unreadable' },
  });
  expect(existsSync(path.join(folder, 'routerd.db'))).toBe(false);
});

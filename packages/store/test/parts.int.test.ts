import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { partStoreContract } from '@routerd/config/contract';
import Database from 'better-sqlite3';
import { instant } from '@routerd/resources';
import { expect, test } from 'vitest';
import { MIGRATIONS } from '../src/migrations.ts';
import { opened, temporaryFile } from './store-rig.ts';

/** Changes a row while nobody has the file open. */
function tamper(file: string, statement: string): void {
  const database = new Database(file);
  database.exec(statement);
  database.close();
}

partStoreContract('sqlite', () => {
  const file = temporaryFile();
  let store = opened(file);
  const reopen = () => {
    store.close();
    store = opened(file);
    return store.parts;
  };
  return {
    store: store.parts,
    reopen,
    damage: (source) => {
      store.close();
      tamper(
        file,
        `UPDATE dynamic_config_parts SET content = replace(content, 'other', 'OTHER')
         WHERE (source, generation) IN (SELECT source, max(generation) FROM dynamic_config_parts WHERE source = '${source}')`,
      );
      store = opened(file);
      return store.parts;
    },
  };
});

test.each([
  '',
  'null',
  '{}',
  '{"resources":[],"directives":[]}',
  '[1',
  '{"resources":[{"a":1e999}],"directives":[],"actionPlans":[]}',
])('a row whose content is %j is damaged, and the store opens all the same', (content) => {
  const file = temporaryFile();
  const store = opened(file);
  const stamp = { source: 'Plugin/a', observedAt: instant(1), expiresAt: instant(2) };
  store.parts.put({ ...stamp, resources: [], directives: [], actionPlans: [] });
  store.close();
  tamper(file, `UPDATE dynamic_config_parts SET content = '${content}'`);
  const again = opened(file);
  expect(again.parts.list()).toEqual([
    { source: 'Plugin/a', generation: 1, observedAt: 1, expiresAt: 2, damage: expect.stringMatching(/^The stored/) },
  ]);
});

test('a state file of the first version gets its table of parts, and keeps what it has', () => {
  const file = temporaryFile();
  mkdirSync(path.dirname(file), { recursive: true });
  const old = new Database(file);
  old.exec(MIGRATIONS[0] ?? '');
  old.exec("INSERT INTO high_water (key, epoch) VALUES ('pool|10.77.60.10/32|site', 7)");
  old.pragma('user_version = 1');
  old.close();
  const store = opened(file);
  expect([...store.highWater.all().values()]).toEqual([7]);
  expect(store.parts.list()).toEqual([]);
});

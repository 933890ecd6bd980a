/** From nothing to a group that works, and to new keys, with one line of text carried to each machine. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  addNode,
  encodeToken,
  finishRotation,
  groupRoster,
  initGroup,
  joinGroup,
  parseToken,
  readSeedFile,
  removeNode,
  rotateNode,
  signerOf,
  updatePeers,
  type HubReach,
  type HubSurvey,
  type Joined,
} from '@routerd/federation';
import { loadConfiguration } from '@routerd/resources';
import { runCommand } from '@routerd/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeScratchFolder, removeScratchFolder } from './nats-hub.ts';
import { valueOf } from './value-of.ts';

const TIMEOUT = { timeoutMs: 20_000 };
/** Of a tmpfs: what a file of any length takes at least. */
const PAGE_BYTES = 4096;
let folder: string;
const at = (...names: readonly string[]): string => path.join(folder, ...names);
const hubs = new Map([['hub-1', { address: '192.0.2.1', port: 4222 }]]);

/** Of hubs that keep everything by three. */
const stream = { name: 'facts', replicas: 3, keepers: ['hub-1'], leader: 'hub-1', isClustered: true };
const survey = async (): Promise<HubSurvey> => Promise.resolve({ silent: [], streams: [stream] });

beforeEach(async () => {
  folder = await makeScratchFolder();
});
afterEach(async () => removeScratchFolder(folder));

function configurationOf({ configFile, peersFile }: Joined): ReturnType<typeof loadConfiguration> {
  return loadConfiguration([configFile, peersFile].map((file) => ({ file, text: readFileSync(file, 'utf8') })));
}

describe('a group made from nothing', () => {
  it('keeps what is secret to its owner, and no key of a node', async () => {
    const [hub] = valueOf(await initGroup(at('group'), 'demo', hubs));
    const added = valueOf(await addNode(at('group'), 'aws-a'));
    const modes = Object.fromEntries(
      readdirSync(at('group')).map((name) => [name, (statSync(at('group', name)).mode & 0o777).toString(8)]),
    );
    expect(modes).toEqual({
      'ca-key.pem': '600',
      'ca.pem': '644',
      'group.json': '600',
      'operator.seed': '600',
      'peers.yaml': '644',
      'roster.seed': '600',
    });
    const kept = readdirSync(at('group'))
      .map((name) => readFileSync(at('group', name), 'utf8'))
      .join('');
    for (const seed of [added.seed, hub?.seed ?? 'missing']) expect(kept).not.toContain(seed);
    expect(kept).toContain(valueOf(signerOf(added.seed)).publicKey);
  });

  it('gives a node valid configuration, its key and its authority by one token', async () => {
    await initGroup(at('group'), 'demo', hubs);
    const added = valueOf(await addNode(at('group'), 'aws-a'));
    const joined = valueOf(await joinGroup(at('node'), encodeToken(added)));
    expect(joined).toEqual({
      group: 'demo',
      node: 'aws-a',
      configFile: at('node', 'federation.yaml'),
      peersFile: at('node', 'peers.yaml'),
    });
    const { diagnostics, resources } = configurationOf(joined);
    expect(diagnostics).toEqual([]);
    expect(resources.map(({ value: { kind, metadata } }) => `${kind}/${metadata.name}`)).toEqual([
      'EventGroup/demo',
      'EventPeer/hub-1',
    ]);
    expect(valueOf(await readSeedFile(at('node', 'node.seed')))).toBe(added.seed);
  });

  it('gives a further hub what it needs to run and to be one of three', async () => {
    const three = new Map(['1', '2', '3'].map((last) => [`hub-${last}`, { address: `192.0.2.${last}`, port: 4222 }]));
    const enrolments = valueOf(await initGroup(at('group'), 'demo', three));
    const joined = valueOf(await joinGroup(at('hub'), encodeToken(enrolments[2] ?? enrolments[0]!)));
    const { diagnostics, resources } = configurationOf(joined);
    expect(diagnostics).toEqual([]);
    expect(resources[0]?.value).toMatchObject({
      spec: {
        role: 'hub',
        server: 'managed',
        listen: { address: '192.0.2.3', port: 4222 },
        hub: { replicas: 3, cluster: { routes: ['tls://192.0.2.1:6222', 'tls://192.0.2.2:6222'] } },
      },
    });
    for (const name of ['node.seed', 'hub-key.pem', 'operator.seed'])
      expect(statSync(at('hub', name)).mode & 0o777).toBe(0o600);
  });

  it('tells a machine of those who come later by a file that is no secret', async () => {
    await initGroup(at('group'), 'demo', hubs);
    const joined = valueOf(await joinGroup(at('node'), encodeToken(valueOf(await addNode(at('group'), 'aws-a')))));
    await addNode(at('group'), 'aws-b');
    const peers = readFileSync(at('group', 'peers.yaml'), 'utf8');
    expect(valueOf(await updatePeers(at('node'), peers))).toBe(2);
    const { diagnostics, resources } = configurationOf(joined);
    expect(diagnostics).toEqual([]);
    expect(resources.map(({ value }) => value.metadata.name)).toEqual(['demo', 'aws-b', 'hub-1']);
    for (const bad of ['', 'kind: [', peers.replaceAll('groupRef: demo', 'groupRef: other')]) {
      expect(await updatePeers(at('node'), bad)).toMatchObject({ error: { code: 'join.bad-peers' } });
    }
    expect(await updatePeers(at('group'), peers)).toMatchObject({ error: { code: 'join.not-a-member' } });
  });

  it('is started once, and has each node once', async () => {
    await initGroup(at('group'), 'demo', hubs);
    await addNode(at('group'), 'aws-a');
    expect(await initGroup(at('group'), 'demo', hubs)).toMatchObject({ error: { code: 'material.exists' } });
    expect(await addNode(at('group'), 'aws-a')).toMatchObject({ error: { code: 'material.node-exists' } });
    expect(await addNode(at('group'), 'AWS.A')).toMatchObject({ error: { code: 'material.bad-name' } });
    expect(await addNode(at('elsewhere'), 'aws-a')).toMatchObject({ error: { code: 'material.unreadable' } });
  });
});

describe('a new key', () => {
  it('counts beside the old one until the rotation is finished', async () => {
    await initGroup(at('group'), 'demo', hubs);
    const first = valueOf(await addNode(at('group'), 'aws-a'));
    await joinGroup(at('node'), encodeToken(first));
    const second = valueOf(await rotateNode(at('group'), 'aws-a'));
    const keyOf = (seed: string): string => valueOf(signerOf(seed)).publicKey;
    const peers = (): string => readFileSync(at('group', 'peers.yaml'), 'utf8');
    expect(peers()).toContain(`publicKey: ${keyOf(first.seed)}\n  nextPublicKey: ${keyOf(second.seed)}`);
    valueOf(await joinGroup(at('node'), encodeToken(second)));
    expect(valueOf(await readSeedFile(at('node', 'node.seed')))).toBe(second.seed);
    expect(valueOf(await finishRotation(at('group'), 'aws-a'))).toBe(keyOf(second.seed));
    expect(peers()).not.toContain(keyOf(first.seed));
    expect(await finishRotation(at('group'), 'aws-a')).toMatchObject({ error: { code: 'material.not-rotating' } });
  });

  it('is for the node that has the old one', async () => {
    await initGroup(at('group'), 'demo', hubs);
    await joinGroup(at('node'), encodeToken(valueOf(await addNode(at('group'), 'aws-a'))));
    const other = encodeToken(valueOf(await addNode(at('group'), 'aws-b')));
    expect(await joinGroup(at('node'), other)).toMatchObject({ error: { code: 'join.other-member' } });
    expect(await rotateNode(at('group'), 'nobody')).toMatchObject({ error: { code: 'material.no-such-node' } });
  });
});

describe('a node that is removed', () => {
  it('is in no list any more, and its name may be given anew', async () => {
    await initGroup(at('group'), 'demo', hubs);
    const { publicKey } = valueOf(signerOf(valueOf(await addNode(at('group'), 'aws-a')).seed));
    await addNode(at('group'), 'aws-b');
    const files = (): string =>
      ['group.json', 'peers.yaml'].map((name) => readFileSync(at('group', name), 'utf8')).join();
    const before = files();
    const removal = { publicKeys: [publicKey], stays: ['aws-b', 'hub-1'] };
    expect(valueOf(await removeNode(at('group'), 'aws-a', { dryRun: true, survey }))).toEqual(removal);
    expect(files()).toBe(before);
    const { serial } = valueOf(await groupRoster(at('group')));
    expect(valueOf(await removeNode(at('group'), 'aws-a', { survey }))).toEqual(removal);
    expect(files()).not.toContain(publicKey);
    expect(valueOf(await groupRoster(at('group'))).serial).toBe(serial + 1);
    expect(await removeNode(at('group'), 'aws-a', { survey })).toMatchObject({
      error: { code: 'material.no-such-node' },
    });
    expect(valueOf(await addNode(at('group'), 'aws-a')).node).toBe('aws-a');
  });

  it('may be a hub that the others can do without, and never the last', async () => {
    await initGroup(at('group'), 'demo', hubs);
    const alone = await removeNode(at('group'), 'hub-1', { survey });
    expect(alone).toMatchObject({ error: { code: 'material.last-hub' } });
    for (const number of [2, 3, 4]) {
      valueOf(await addNode(at('group'), `hub-${number}`, { address: `192.0.2.${number}`, port: 4222 }));
    }
    const asked: HubReach[] = [];
    const taken = await removeNode(at('group'), 'hub-1', {
      survey: async (stays) => {
        asked.push(stays);
        return survey();
      },
    });
    expect(valueOf(taken).stays).toEqual(['hub-2', 'hub-3', 'hub-4']);
    expect(asked.map((reach) => [...reach.hubs.keys()])).toEqual([['hub-2', 'hub-3', 'hub-4']]);
    expect(valueOf(await groupRoster(at('group'))).servers).toHaveLength(3);
    expect(await removeNode(at('group'), 'hub-2', { survey })).toMatchObject({
      error: { code: 'material.too-few-hubs' },
    });
  });
});

describe('the folder of a group', () => {
  it('is changed by one program at a time, and not held by one that was killed', async () => {
    await initGroup(at('group'), 'demo', hubs);
    const names = ['aws-a', 'aws-b', 'azure-a', 'oci-a'];
    const outcomes = await Promise.all(names.map(async (name) => addNode(at('group'), name)));
    const added = names.filter((_, index) => outcomes[index]?.ok === true);
    expect(added.length).toBeGreaterThan(0);
    for (const outcome of outcomes) expect(outcome.ok ? 'material.busy' : outcome.error.code).toBe('material.busy');
    const { nodes, serial } = JSON.parse(readFileSync(at('group', 'group.json'), 'utf8'));
    expect(Object.keys(nodes).toSorted()).toEqual([...added, 'hub-1'].toSorted());
    expect(serial).toBe(1 + added.length);
    // No process has this id: the kernel gives none above 2^22.
    writeFileSync(at('group', '.lock'), '99999999');
    valueOf(await addNode(at('group'), 'gcp-a'));
    expect(readdirSync(at('group')).filter((name) => name.startsWith('.lock'))).toEqual([]);
    writeFileSync(at('group', '.lock'), String(process.ppid));
    expect(await addNode(at('group'), 'gcp-b')).toMatchObject({ error: { code: 'material.busy' } });
  });

  it('is as it was after a change for which the disk has no room, wherever the room ends', async () => {
    mkdirSync(at('group'));
    const mounted = await runCommand(['mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', at('group')], TIMEOUT);
    expect(mounted.ok).toBe(true);
    try {
      await initGroup(at('group'), 'demo', hubs);
      // So many that what the machines are told takes more room than the record.
      for (let node = 0; node < 40; node += 1) valueOf(await addNode(at('group'), `oci-${node}`));
      const texts = (): readonly string[] =>
        ['group.json', 'peers.yaml'].map((name) => readFileSync(at('group', name), 'utf8'));
      const before = texts();
      const refused: boolean[] = [];
      for (let pages = 0; pages < 8; pages += 1) {
        const free = statfsSync(at('group')).bavail - pages;
        writeFileSync(at('group', 'filler'), Buffer.alloc(free * PAGE_BYTES));
        const added = await addNode(at('group'), `aws-${pages}`);
        rmSync(at('group', 'filler'));
        refused.push(!added.ok);
        if (added.ok) break;
        expect(added.error.code).toBe('material.not-written');
        expect(texts()).toEqual(before);
      }
      // None but the last, and what was refused leaves nothing behind.
      expect(refused.indexOf(false)).toBe(refused.length - 1);
      expect(refused.length).toBeGreaterThan(2);
      expect(readdirSync(at('group')).filter((name) => /lock|next/.test(name))).toEqual([]);
    } finally {
      await runCommand(['umount', at('group')], TIMEOUT);
    }
  });

  it('keeps an authority whose group cannot be read, and gives an address to one hub', async () => {
    await initGroup(at('group'), 'demo', hubs);
    const authority = readFileSync(at('group', 'ca-key.pem'), 'utf8');
    const taken = await addNode(at('group'), 'hub-2', { address: '192.0.2.1', port: 4222 });
    expect(taken).toMatchObject({ error: { code: 'material.address-taken' } });
    const twice = new Map([...hubs, ['hub-2', { address: '192.0.2.1', port: 4222 }]]);
    expect(await initGroup(at('other'), 'demo', twice)).toMatchObject({ error: { code: 'material.address-taken' } });
    for (const damage of [
      () => writeFileSync(at('group', 'group.json'), '{'),
      () => rmSync(at('group', 'group.json')),
    ]) {
      damage();
      expect(await initGroup(at('group'), 'demo', hubs)).toMatchObject({ error: { code: 'material.exists' } });
      expect(await addNode(at('group'), 'aws-a')).toMatchObject({ error: { code: 'material.unreadable' } });
      expect(readFileSync(at('group', 'ca-key.pem'), 'utf8')).toBe(authority);
    }
  });
});

describe('a token', () => {
  it('survives line breaks, and is refused when a part of it is missing', async () => {
    await initGroup(at('group'), 'demo', hubs);
    const token = encodeToken(valueOf(await addNode(at('group'), 'aws-a')));
    expect(parseToken(token.replaceAll(/.{60}/g, '$&\n  '))).toMatchObject({ ok: true });
    for (const broken of ['', 'hello', token.slice(0, -1), token.replace('routerd1.', 'routerd1.0'), `${token}.x`]) {
      expect(parseToken(broken)).toMatchObject({ error: { code: 'token.malformed' } });
    }
  });

  it('leaves what was there as it was when the folder cannot be written', async () => {
    await initGroup(at('group'), 'demo', hubs);
    const token = encodeToken(valueOf(await addNode(at('group'), 'aws-a')));
    await writeFile(at('file'), 'not a folder');
    await chmod(at('file'), 0o600);
    expect(await joinGroup(at('file'), token)).toMatchObject({ error: { code: 'join.not-written' } });
    expect(readFileSync(at('file'), 'utf8')).toBe('not a folder');
  });
});

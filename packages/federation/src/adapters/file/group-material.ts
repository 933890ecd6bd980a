/** What the operator of a group keeps: its authority, its operator's key and who is in it. Keys of nodes are not kept. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { err, ok, parseNodeName, type NodeName, type Result } from '@routerd/resources';
import type { Enrolment } from '../../enrolment/enrolment-token.ts';
import { clusterOf, type PeerKeys } from '../../enrolment/group-documents.ts';
import { judgeHubRemoval, type HubSurvey } from '../../enrolment/hub-removal.ts';
import { signRoster } from '../../enrolment/roster.ts';
import { generateNodeIdentity, signerOf, type NodeIdentity } from '../../node-identity.ts';
import { parseGroupName, type GroupName } from '../../subjects.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { issueHubCertificate, makeAuthority } from './certificates.ts';
import {
  byNode,
  changing,
  isThere,
  load,
  notWritten,
  readIfThere,
  recordFile,
  rosterSeedFile,
  save,
  writing,
  type GroupRecord,
  type HubAddress,
  type MaterialFault,
} from './group-record.ts';

/** Starts a group in a folder of its own (made 0700). @returns the enrolment of each hub */
export async function initGroup(
  folder: string,
  name: string,
  hubs: ReadonlyMap<string, HubAddress>,
): Promise<Result<readonly Enrolment[], MaterialFault>> {
  const group = parseGroupName(name);
  if (!group.ok) return err({ code: 'material.bad-name', detail: `"${name}" is no name of a group` });
  const names = [...hubs.keys()].map(parseNodeName);
  if (names.some((parsed) => !parsed.ok) || hubs.size === 0) {
    return err({ code: 'material.bad-name', detail: 'a group has at least one hub, each named like a node' });
  }
  const twice = [...hubs].find(([hubName, at]) => addressHolder(Object.fromEntries(hubs), at, hubName) !== undefined);
  if (twice !== undefined) return addressTaken(twice[0], Object.fromEntries(hubs), twice[1]);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    return notWritten(cause);
  }
  return changing(folder, async () => startIn(folder, group.value, hubs));
}

async function startIn(
  folder: string,
  group: GroupName,
  hubs: ReadonlyMap<string, HubAddress>,
): Promise<Result<readonly Enrolment[], MaterialFault>> {
  const present = await load(folder);
  if (present.ok) {
    const detail = `${folder} holds the material of group ${present.value.group} already; a token that was lost is replaced by "rotate"`;
    return err({ code: 'material.exists', detail });
  }
  // An authority without its group is what an interrupted start leaves, or all that is left of a group that runs.
  for (const file of [recordFile(folder), path.join(folder, 'ca-key.pem')]) {
    if (!(await isThere(file))) continue;
    const detail = `${file} is there already, and no group can be read beside it: put it back, or empty the folder when no group was ever made from it`;
    return err({ code: 'material.exists', detail });
  }
  const keys = new Map([...hubs.keys()].map((hubName) => [hubName, generateNodeIdentity()]));
  const made: GroupRecord = {
    version: 1,
    group,
    serial: 0,
    hubs: Object.fromEntries(hubs),
    nodes: Object.fromEntries([...keys].map(([hubName, { publicKey }]) => [hubName, { publicKey }])),
  };
  return writing(async () => {
    const authority = await makeAuthority(`routerd federation ${group}`);
    await writeFileAtomically(path.join(folder, 'ca.pem'), authority.certificate, 0o644);
    await writeFileAtomically(path.join(folder, 'ca-key.pem'), authority.key, 0o600);
    await writeFileAtomically(path.join(folder, 'operator.seed'), `${generateNodeIdentity().seed}\n`, 0o600);
    await writeFileAtomically(rosterSeedFile(folder), `${generateNodeIdentity().seed}\n`, 0o600);
    await save(folder, made);
    const enrolments: Enrolment[] = [];
    for (const [hubName, identity] of keys) enrolments.push(await enrolmentOf(folder, made, hubName, identity));
    return enrolments;
  });
}

/** A key for a new node, or for a further hub when it has an address. @returns its enrolment, which is kept nowhere */
export async function addNode(
  folder: string,
  node: string,
  address?: HubAddress,
): Promise<Result<Enrolment, MaterialFault>> {
  return changing(folder, async () => addIn(folder, node, address));
}

async function addIn(
  folder: string,
  node: string,
  address: HubAddress | undefined,
): Promise<Result<Enrolment, MaterialFault>> {
  const before = await load(folder);
  if (!before.ok) return before;
  if (!parseNodeName(node).ok) return err({ code: 'material.bad-name', detail: `"${node}" is no name of a node` });
  if (before.value.nodes[node] !== undefined) {
    const detail = `${node} is in the group; a new key for it, or a token in the place of one that was lost, is a rotation ("rotate ${node}")`;
    return err({ code: 'material.node-exists', detail });
  }
  if (address !== undefined && addressHolder(before.value.hubs, address, node) !== undefined)
    return addressTaken(node, before.value.hubs, address);
  const identity = generateNodeIdentity();
  const made: GroupRecord = {
    ...before.value,
    ...(address === undefined ? {} : { hubs: { ...before.value.hubs, [node]: address } }),
    nodes: { ...before.value.nodes, [node]: { publicKey: identity.publicKey } },
  };
  return writing(async () => {
    const enrolment = await enrolmentOf(folder, made, node, identity);
    await save(folder, made);
    return enrolment;
  });
}

/**
 * A further key beside the present one; both count until `finishRotation`. Said again it makes another further key in its place, so a
 * lost token costs nothing. A hub also gets a new certificate.
 */
export async function rotateNode(folder: string, node: string): Promise<Result<Enrolment, MaterialFault>> {
  return changing(folder, async () => rotateIn(folder, node));
}

async function rotateIn(folder: string, node: string): Promise<Result<Enrolment, MaterialFault>> {
  const before = await load(folder);
  if (!before.ok) return before;
  const known = before.value.nodes[node];
  if (known === undefined) return noSuchNode(node);
  const identity = generateNodeIdentity();
  const made = withNode(before.value, node, { publicKey: known.publicKey, nextPublicKey: identity.publicKey });
  return writing(async () => {
    const enrolment = await enrolmentOf(folder, made, node, identity);
    await save(folder, made);
    return enrolment;
  });
}

/** From now on only the further key counts. */
export async function finishRotation(folder: string, node: string): Promise<Result<string, MaterialFault>> {
  return changing(folder, async () => finishIn(folder, node));
}

async function finishIn(folder: string, node: string): Promise<Result<string, MaterialFault>> {
  const before = await load(folder);
  if (!before.ok) return before;
  const known = before.value.nodes[node];
  if (known === undefined) return noSuchNode(node);
  const { nextPublicKey } = known;
  if (nextPublicKey === undefined) return err({ code: 'material.not-rotating', detail: `${node} has one key only` });
  return writing(async () => {
    await save(folder, withNode(before.value, node, { publicKey: nextPublicKey }));
    return nextPublicKey;
  });
}

export interface Removal {
  /** NKey public keys that count no more, once the hubs are told. */
  readonly publicKeys: readonly string[];
  /** Who is left. */
  readonly stays: readonly string[];
}

export interface RemoveOptions {
  /** Nothing is changed. */
  readonly dryRun?: boolean;
  /** Asks the hubs that would stay; only where a hub is taken out. */
  readonly survey: (stays: HubReach) => Promise<HubSurvey>;
}

/** The hubs that stay, each with how it is reached, and what the operator needs for it. */
export interface HubReach extends Pick<GroupRoster, 'group' | 'caFile' | 'seed'> {
  readonly hubs: ReadonlyMap<NodeName, string>;
}

/**
 * Takes a node out of the group: its keys count no more for whoever learns of the new list. A hub too, where the others can do without it.
 * What a hub has had stays with whoever has the machine: the operator's key for the streams, and a certificate that hubs accept.
 */
export async function removeNode(
  folder: string,
  node: string,
  options: RemoveOptions,
): Promise<Result<Removal, MaterialFault>> {
  const remove = async (): Promise<Result<Removal, MaterialFault>> => removeIn(folder, node, options);
  return options.dryRun === true ? remove() : changing(folder, remove);
}

async function removeIn(
  folder: string,
  node: string,
  { dryRun = false, survey }: RemoveOptions,
): Promise<Result<Removal, MaterialFault>> {
  const before = await load(folder);
  if (!before.ok) return before;
  const { [node]: removed, ...nodes } = before.value.nodes;
  if (removed === undefined) return noSuchNode(node);
  const { [node]: hub, ...hubs } = before.value.hubs;
  const spared = hub === undefined ? ok(undefined) : await withoutHub(folder, node, hubs, survey);
  if (!spared.ok) return spared;
  const { publicKey, nextPublicKey } = removed;
  return writing(async () => {
    if (!dryRun) await save(folder, { ...before.value, hubs, nodes });
    return {
      publicKeys: nextPublicKey === undefined ? [publicKey] : [publicKey, nextPublicKey],
      stays: Object.keys(nodes).toSorted(),
    };
  });
}

async function withoutHub(
  folder: string,
  node: string,
  stays: GroupRecord['hubs'],
  survey: RemoveOptions['survey'],
): Promise<Result<void, MaterialFault>> {
  if (Object.keys(stays).length === 0) {
    return err({ code: 'material.last-hub', detail: `${node} is the only hub of the group, which cannot be without` });
  }
  const roster = await groupRoster(folder);
  if (!roster.ok) return roster;
  const servers = Object.entries(stays).map(([name, at]) => [name as NodeName, serverOf(at)] as const);
  return judgeHubRemoval(node, Object.keys(stays), await survey({ ...roster.value, hubs: new Map(servers) }));
}

export interface GroupRoster {
  readonly group: GroupName;
  readonly serial: number;
  /** Signed, for `publishRoster`. No secret. */
  readonly text: string;
  readonly rosterKey: string;
  /** How the hubs are reached, as the operator. */
  readonly servers: readonly string[];
  readonly caFile: string;
  /** NKey seed. Secret. */
  readonly seed: string;
}

/** The list of members as it is now, signed, and all that bringing it to the hubs takes. */
export async function groupRoster(folder: string): Promise<Result<GroupRoster, MaterialFault>> {
  const loaded = await load(folder);
  if (!loaded.ok) return loaded;
  const { group, serial, hubs, nodes } = loaded.value;
  const seed = await readIfThere(path.join(folder, 'operator.seed')).catch(() => undefined);
  const signer = signerOf((await readIfThere(rosterSeedFile(folder)).catch(() => undefined))?.trim() ?? '');
  if (seed === undefined || !signer.ok) {
    const detail = `${folder} lacks operator.seed or roster.seed; a group of an earlier release has no signed list`;
    return err({ code: 'material.unreadable', detail });
  }
  const listed = { group: group as GroupName, serial, hubs: byNode(hubs), nodes: byNode(nodes) };
  return ok({
    group: listed.group,
    serial,
    text: signRoster(listed, signer.value.sign),
    rosterKey: signer.value.publicKey,
    servers: serversOf(hubs),
    caFile: path.join(folder, 'ca.pem'),
    seed: seed.trim(),
  });
}

function serversOf(hubs: GroupRecord['hubs']): readonly string[] {
  return Object.values(hubs).map(serverOf);
}

function serverOf({ address, port }: HubAddress): string {
  return `tls://${address}:${port}`;
}

async function enrolmentOf(
  folder: string,
  { group, hubs, nodes }: GroupRecord,
  node: string,
  { seed }: NodeIdentity,
): Promise<Enrolment> {
  const authority = await readFile(path.join(folder, 'ca.pem'), 'utf8');
  const roster = signerOf((await readIfThere(rosterSeedFile(folder)))?.trim() ?? '');
  const own = hubs[node];
  const others = Object.entries(hubs).filter(([name]) => name !== node);
  const peers = Object.entries(nodes).filter(([name]) => name !== node);
  return {
    group: group as GroupName,
    node: node as NodeName,
    seed,
    servers: [...serversOf(hubs)],
    authority,
    ...(roster.ok ? { rosterKey: roster.value.publicKey } : {}),
    peers: new Map(peers.map(([name, keys]) => [name as NodeName, keys])),
    ...(own === undefined
      ? {}
      : {
          hub: await hubPart(
            folder,
            authority,
            own,
            others.map(([, other]) => other),
          ),
        }),
  };
}

async function hubPart(
  folder: string,
  authority: string,
  own: HubAddress,
  others: readonly HubAddress[],
): Promise<NonNullable<Enrolment['hub']>> {
  const key = await readFile(path.join(folder, 'ca-key.pem'), 'utf8');
  const listen = { address: own.address, port: own.port };
  return {
    ...(await issueHubCertificate({ certificate: authority, key }, own.address)),
    operatorSeed: (await readFile(path.join(folder, 'operator.seed'), 'utf8')).trim(),
    ...clusterOf(own, others),
    listen,
  };
}

function withNode(before: GroupRecord, node: string, keys: PeerKeys): GroupRecord {
  const { publicKey, nextPublicKey } = keys;
  return {
    ...before,
    nodes: { ...before.nodes, [node]: { publicKey, ...(nextPublicKey === undefined ? {} : { nextPublicKey }) } },
  };
}

/** @returns the other hub that is dialled there */
function addressHolder(hubs: GroupRecord['hubs'], { address, port }: HubAddress, name: string): string | undefined {
  const holder = Object.entries(hubs).find(
    ([other, at]) => other !== name && at.address === address && at.port === port,
  );
  return holder?.[0];
}

function addressTaken(name: string, hubs: GroupRecord['hubs'], at: HubAddress): Result<never, MaterialFault> {
  const holder = addressHolder(hubs, at, name) ?? '';
  const detail = `${at.address}:${at.port} is where nodes dial ${holder}; ${name} needs an address of its own`;
  return err({ code: 'material.address-taken', detail });
}

function noSuchNode(node: string): Result<never, MaterialFault> {
  return err({ code: 'material.no-such-node', detail: `${node} is not in the group` });
}

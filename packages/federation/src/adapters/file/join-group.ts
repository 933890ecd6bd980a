/** What a machine does with its enrolment token: its key, its authority and its configuration, as files. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { err, loadResources, ofKind, ok, type Result } from '@routerd/resources';
import { parseToken, type TokenFault } from '../../enrolment/enrolment-token.ts';
import { groupDocument, peerDocuments, SERIAL_ANNOTATION, type GroupFiles } from '../../enrolment/group-documents.ts';
import { writeFileAtomically } from './atomic-file.ts';

export interface JoinFault {
  readonly code: TokenFault['code'] | 'join.other-member' | 'join.not-written' | 'join.not-a-member' | 'join.bad-peers';
  readonly detail: string;
}

export interface Joined {
  readonly group: string;
  readonly node: string;
  /** The documents that make the machine a member, for its startup configuration: itself, and the others. */
  readonly configFile: string;
  /** Not there as long as there are no others. */
  readonly peersFile: string;
}

/** What cannot be read may be another member's, and is not written over. */
async function presentIn(file: string): Promise<Result<string | undefined, JoinFault>> {
  try {
    return ok(await readFile(file, 'utf8'));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return ok(undefined);
    return err({ code: 'join.not-written', detail: cause instanceof Error ? cause.message : String(cause) });
  }
}

/**
 * Writes into `folder` (made 0700, absolute). The same token again changes nothing; a token for the same node (a rotation) replaces its
 * key; one for another node or group is refused.
 */
export async function joinGroup(folder: string, token: string): Promise<Result<Joined, JoinFault>> {
  const parsed = parseToken(token);
  if (!parsed.ok) return parsed;
  const { group, node, seed, authority, peers, hub } = parsed.value;
  const configFile = path.join(folder, 'federation.yaml');
  const mark = `${MARK}${node} of ${group}\n`;
  const present = await presentIn(configFile);
  if (!present.ok) return present;
  if (present.value !== undefined && !present.value.startsWith(mark)) {
    const detail = `${configFile} is of another member; a machine has one identity in a folder`;
    return err({ code: 'join.other-member', detail });
  }
  const files: GroupFiles = {
    seed: path.join(folder, 'node.seed'),
    authority: path.join(folder, 'ca.pem'),
    operatorSeed: path.join(folder, 'operator.seed'),
    certificate: path.join(folder, 'hub.pem'),
    key: path.join(folder, 'hub-key.pem'),
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileAtomically(files.authority, authority, 0o644);
    if (hub !== undefined) {
      await writeFileAtomically(files.key, hub.key, 0o600);
      await writeFileAtomically(files.certificate, hub.certificate, 0o644);
      await writeFileAtomically(files.operatorSeed, `${hub.operatorSeed}\n`, 0o600);
    }
    await writeFileAtomically(files.seed, `${seed}\n`, 0o600);
    // Last: a machine that has this file has all that it names.
    // A file without a document would be warned of: the first hub of a group has no others yet.
    if (peers.size > 0) await writeFileAtomically(path.join(folder, 'peers.yaml'), peersText(group, peers), 0o644);
    await writeFileAtomically(configFile, `${mark}${groupDocument(parsed.value, files)}`, 0o644);
  } catch (cause) {
    return err({ code: 'join.not-written', detail: cause instanceof Error ? cause.message : String(cause) });
  }
  return ok({ group, node, configFile, peersFile: path.join(folder, 'peers.yaml') });
}

/**
 * Who else is in the group, taken over from the operator's `peers.yaml`, which names this machine too.
 * @returns how many others there are
 */
export async function updatePeers(folder: string, text: string): Promise<Result<number, JoinFault>> {
  const present = await readFile(path.join(folder, 'federation.yaml'), 'utf8').catch(() => '');
  const match = /^(\S+) of (\S+)\n/.exec(present.startsWith(MARK) ? present.slice(MARK.length) : '');
  const [, self = '', group = ''] = match ?? [];
  if (match === null) return err({ code: 'join.not-a-member', detail: `${folder} holds no membership; join first` });
  const { resources, diagnostics } = loadResources([{ file: 'peers', text }]);
  const documents = ofKind(
    resources.map(({ value }) => value),
    'EventPeer',
  );
  const all = documents.map(({ spec }) => spec);
  const serial = documents[0]?.metadata.annotations[SERIAL_ANNOTATION];
  const problem = diagnostics.find(({ severity }) => severity === 'error')?.message;
  if (problem !== undefined || all.length === 0 || all.some(({ groupRef }) => groupRef !== group)) {
    return err({ code: 'join.bad-peers', detail: problem ?? `not the EventPeers of group ${group}` });
  }
  const peers = new Map(all.filter(({ nodeName }) => nodeName !== self).map((spec) => [spec.nodeName, spec]));
  try {
    const documentsText = peersText(group, peers, serial === undefined ? undefined : Number(serial));
    await writeFileAtomically(path.join(folder, 'peers.yaml'), documentsText, 0o644);
  } catch (cause) {
    return err({ code: 'join.not-written', detail: cause instanceof Error ? cause.message : String(cause) });
  }
  return ok(peers.size);
}

/** Begins the file by which a machine is known again. */
const MARK = '# Written by routerctl federation join: member ';

function peersText(group: string, peers: Parameters<typeof peerDocuments>[1], serial?: number): string {
  return `# Written by routerctl federation: the others of ${group}.\n${peerDocuments(group, peers, serial)}`;
}

/** Keys and certificates of a group: made and replaced here, carried by one token for each machine. No daemon is asked. */
import { fchmodSync, fstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  addNode,
  encodeToken,
  finishRotation,
  groupRoster,
  initGroup,
  joinGroup,
  peersFile,
  publishRoster,
  removeNode,
  rotateNode,
  surveyHubs,
  updatePeers,
  type HubAddress,
} from '@routerd/routerd/enrolment';
import { buildCommand } from '@stricli/core';
import { fail, type Context } from '../command-context.ts';
import { documented } from '../documented.ts';

const folderFlag = {
  kind: 'parsed',
  parse: (text: string) => path.resolve(text),
  brief: "The operator's folder of the group",
  placeholder: 'folder',
  default: '/usr/local/etc/routerd/group',
} as const;

const machineFolderFlag = {
  ...folderFlag,
  brief: "This machine's folder of the group",
  default: '/usr/local/etc/routerd/federation',
} as const;

/** Token on stdout alone, so that it can be piped; all else on stderr. */
function sayToken(context: Context, node: string, enrolment: Parameters<typeof encodeToken>[0]): void {
  keepPrivate(context);
  context.process.stderr.write(`Token of ${node}; it holds a secret key and is shown only now:\n`);
  context.process.stdout.write(`${encodeToken(enrolment)}\n`);
}

/** `> aws-a.token` makes a file that others may read, with most shells: it is made private before the key is in it. */
function keepPrivate({ process: { stdout, stderr } }: Context): void {
  if (stdout.fd === undefined) return;
  try {
    const status = fstatSync(stdout.fd);
    if (status.isFile() && (status.mode & 0o077) !== 0) fchmodSync(stdout.fd, 0o600);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    stderr.write(`warning: others may be able to read the file that the token goes to: ${why}\n`);
  }
}

/** Hubs bring the list of members to everybody; where they cannot be reached from here, a person has to. */
async function tellHubs(context: Context, folder: string): Promise<boolean> {
  const roster = await groupRoster(folder);
  const told = roster.ok ? await publishRoster(roster.value) : roster;
  if (told.ok && told.value) {
    context.process.stderr.write('The hubs have the new list of members, and bring it to every machine.\n');
    return true;
  }
  const why = told.ok
    ? 'They know a newer list: this folder is an old copy.'
    : `${told.error.detail} [${told.error.code}]`;
  context.process.stderr.write(
    `The hubs were not told of the change: ${why}\nSay "routerctl federation publish" when they can be reached, or bring ${peersFile(folder)} (no secret) to every machine: routerctl federation update.\n`,
  );
  return false;
}

function refuse(context: Context, { code, detail }: { readonly code: string; readonly detail: string }): void {
  fail(context, { code, message: `${detail} [${code}]` });
}

function hubAddress(text: string): HubAddress {
  const match = /^([A-Za-z0-9.-]+):(\d{1,5})$/.exec(text);
  if (match === null) throw new SyntaxError(`"${text}" is not ADDRESS:PORT`);
  const [, address = '', port = ''] = match;
  if (Number(port) < 1 || Number(port) > 65_535) throw new SyntaxError(`"${text}": a port is from 1 to 65535`);
  return { address, port: Number(port) };
}

function namedHub(text: string): readonly [string, HubAddress] {
  const [name = '', address = '', ...extra] = text.split('=');
  if (extra.length > 0 || name === '' || address === '') throw new SyntaxError(`"${text}" is not NAME=ADDRESS:PORT`);
  return [name, hubAddress(address)];
}

interface InitFlags {
  readonly folder: string;
  readonly group: string;
  readonly hub: readonly (readonly [string, HubAddress])[];
}

export const initCommand = buildCommand<InitFlags, [], Context>({
  async func(this: Context, { folder, group, hub }: InitFlags) {
    const twice = hub.find(([name], index) => hub.findIndex(([other]) => other === name) !== index);
    if (twice !== undefined)
      return refuse(this, { code: 'material.bad-name', detail: `--hub names ${twice[0]} twice` });
    const made = await initGroup(folder, group, new Map(hub));
    if (!made.ok) return refuse(this, made.error);
    for (const enrolment of made.value) sayToken(this, enrolment.node, enrolment);
  },
  parameters: {
    flags: {
      folder: folderFlag,
      group: { kind: 'parsed', parse: String, brief: 'Name of the group', placeholder: 'name' },
      hub: {
        kind: 'parsed',
        parse: namedHub,
        variadic: true,
        brief: 'A hub and where nodes dial it; once for each hub, one or three',
        placeholder: 'name=address:port',
      },
    },
  },
  docs: {
    brief: 'Make the authority, the operator key and the hubs of a new group',
    fullDescription:
      'Make the authority, the operator key and the hubs of a new group.\n\nEXAMPLES\n  routerctl federation init --group demo --hub hub-1=192.0.2.1:4222\n  routerctl federation init --group demo --hub hub-1=192.0.2.1:4222 --hub hub-2=192.0.2.2:4222 --hub hub-3=192.0.2.3:4222',
  },
});

interface AddNodeFlags {
  readonly folder: string;
  readonly hub: HubAddress | undefined;
}

const nodeArgument = {
  kind: 'tuple',
  parameters: [{ brief: 'Name of the node', parse: String, placeholder: 'node' }],
} as const;

export const addNodeCommand = buildCommand<AddNodeFlags, [string], Context>({
  async func(this: Context, { folder, hub }: AddNodeFlags, node: string) {
    const added = await addNode(folder, node, hub);
    if (!added.ok) return refuse(this, added.error);
    // First: what is killed while it waits for the hubs has lost nothing.
    sayToken(this, node, added.value);
    await tellHubs(this, folder);
  },
  parameters: {
    flags: {
      folder: folderFlag,
      hub: {
        kind: 'parsed',
        parse: hubAddress,
        optional: true,
        brief: 'The node is a further hub, which nodes dial here',
        placeholder: 'address:port',
      },
    },
    positional: nodeArgument,
  },
  docs: documented('Make a key for a new node, and its enrolment token', [
    'routerctl federation add-node aws-a > aws-a.token',
    'routerctl federation add-node hub-2 --hub 192.0.2.2:4222 > hub-2.token',
  ]),
});

interface RotateFlags {
  readonly folder: string;
  readonly finish: boolean;
}

export const rotateCommand = buildCommand<RotateFlags, [string], Context>({
  async func(this: Context, { folder, finish }: RotateFlags, node: string) {
    if (finish) {
      const finished = await finishRotation(folder, node);
      if (!finished.ok) return refuse(this, finished.error);
      await tellHubs(this, folder);
      return;
    }
    const rotated = await rotateNode(folder, node);
    if (!rotated.ok) return refuse(this, rotated.error);
    sayToken(this, node, rotated.value);
    await tellHubs(this, folder);
  },
  parameters: {
    flags: {
      folder: folderFlag,
      finish: { kind: 'boolean', default: false, brief: 'The node uses its new key: the old one counts no more' },
    },
    positional: nodeArgument,
  },
  docs: {
    brief: 'Replace the key of a node, without an interruption',
    fullDescription:
      'Replace the key of a node, without an interruption: both keys count from the first call to the one with --finish.\n\nEXAMPLES\n  routerctl federation rotate aws-a\n  routerctl federation rotate aws-a --finish',
  },
});

interface RemoveFlags {
  readonly folder: string;
  readonly dryRun: boolean;
}

export const removeNodeCommand = buildCommand<RemoveFlags, [string], Context>({
  async func(this: Context, { folder, dryRun }: RemoveFlags, node: string) {
    const removed = await removeNode(folder, node, { dryRun, survey: surveyHubs });
    if (!removed.ok) return refuse(this, removed.error);
    const { publicKeys, stays } = removed.value;
    const [leaves, open] = dryRun ? ['would leave', 'would open'] : ['has left', 'open'];
    this.process.stdout.write(
      `${node} ${leaves} the group; these keys ${open} no hub any more: ${publicKeys.join(', ')}\nmembers then: ${stays.join(', ')}\n`,
    );
    if (!dryRun && !(await tellHubs(this, folder))) this.process.exitCode = 1;
  },
  parameters: {
    flags: {
      folder: folderFlag,
      dryRun: { kind: 'boolean', default: false, brief: 'Say what would be done, and change nothing' },
    },
    positional: nodeArgument,
  },
  docs: {
    brief: 'Take a node or a hub out of the group: its key counts no more',
    fullDescription:
      'Take a node out of the group. The hubs end its connection and refuse its key as soon as they have the new list of members; everybody else refuses what it signs.\n\nA hub too, also one that is gone for good, once three others run: add-node NAME --hub ADDRESS:PORT first. The others take over its copies of the streams.\n\nTake it out of the pools first (MobilityPool spec.members): what it captures moves to others while it can still hand it over.\n\nEXAMPLES\n  routerctl federation remove-node aws-a --dry-run\n  routerctl federation remove-node aws-a',
  },
});

interface PublishFlags {
  readonly folder: string;
}

export const publishMembersCommand = buildCommand<PublishFlags, [], Context>({
  async func(this: Context, { folder }: PublishFlags) {
    if (!(await tellHubs(this, folder))) this.process.exitCode = 1;
  },
  parameters: { flags: { folder: folderFlag } },
  docs: {
    brief: 'Bring the signed list of members to the hubs again',
    fullDescription:
      'Bring the signed list of members to the hubs again, after a change that they could not be told of: add-node, remove-node and rotate do so by themselves.\n\nEXAMPLES\n  routerctl federation publish',
  },
});

type Input =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly error: { readonly code: string; readonly detail: string } };

function readInput(file: string): Input {
  try {
    return { ok: true, value: readFileSync(file === '-' ? 0 : file, 'utf8') };
  } catch (cause) {
    return {
      ok: false,
      error: { code: 'input.unreadable', detail: cause instanceof Error ? cause.message : String(cause) },
    };
  }
}

interface UpdateFlags {
  readonly folder: string;
  readonly peersFile: string;
}

export const updateCommand = buildCommand<UpdateFlags, [], Context>({
  async func(this: Context, { folder, peersFile: file }: UpdateFlags) {
    const peers = readInput(file);
    if (!peers.ok) return refuse(this, peers.error);
    const updated = await updatePeers(folder, peers.value);
    if (!updated.ok) return refuse(this, updated.error);
    this.process.stdout.write(`${updated.value} other nodes\n`);
  },
  parameters: {
    flags: {
      folder: machineFolderFlag,
      peersFile: {
        kind: 'parsed',
        parse: String,
        brief: "The operator's peers.yaml; - is standard input",
        placeholder: 'file',
        default: '-',
      },
    },
  },
  docs: documented('Take over who is in the group, on a machine that is a member', [
    'routerctl federation update < peers.yaml',
  ]),
});

interface JoinFlags {
  readonly folder: string;
  readonly tokenFile: string;
}

export const joinCommand = buildCommand<JoinFlags, [], Context>({
  async func(this: Context, { folder, tokenFile }: JoinFlags) {
    const token = readInput(tokenFile);
    if (!token.ok) return refuse(this, token.error);
    const joined = await joinGroup(folder, token.value);
    if (!joined.ok) return refuse(this, joined.error);
    const { node, group, configFile } = joined.value;
    this.process.stdout.write(`${node} is a member of ${group}: ${configFile}\n`);
  },
  parameters: {
    flags: {
      folder: machineFolderFlag,
      tokenFile: {
        kind: 'parsed',
        parse: String,
        brief: 'File of the token; - is standard input',
        placeholder: 'file',
        default: '-',
      },
    },
  },
  docs: {
    brief: 'Make this machine a member, with its enrolment token',
    fullDescription:
      'Make this machine a member, with its enrolment token: writes key, authority and configuration. A token is never an argument, which others could see.\n\nEXAMPLES\n  routerctl federation join < token\n  ssh operator routerctl federation add-node aws-a | routerctl federation join',
  },
});

/** The configuration of a hub, as text for nats-server. Pure. */
import type { NodeName } from '@routerd/resources';
import {
  captureStream,
  consumerNames,
  eventsStream,
  factsStream,
  heartbeatSubject,
  rosterStream,
  rosterSubject,
  type GroupName,
} from '../../subjects.ts';

export interface HubConfigOptions {
  readonly group: GroupName;
  /** Unique among the hubs of a cluster. */
  readonly serverName: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Folder of the streams; the hub creates it. */
  readonly storeDir: string;
  /** PEM files. Without them everything travels in clear: on a trusted network only. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly caFile?: string };
  /** NKey public key of the user that creates streams (`provisionGroup`). Nodes are not allowed to. */
  readonly operator: string;
  /** NKey public key of each node. */
  readonly nodes: ReadonlyMap<NodeName, string>;
  /** Second keys of nodes whose key is being replaced; they may do the same. */
  readonly nextKeys?: ReadonlyMap<NodeName, string>;
  /** The hubs that replicate each other; without it this one stands alone. */
  readonly cluster?: HubCluster;
  /** Folder in which the server names the port of its monitoring, on loopback, where only this machine can ask how it is. */
  readonly portsDir?: string;
  readonly pidFile?: string;
  readonly logFile?: string;
}

/**
 * With `tls` and its `caFile` hubs prove to each other by certificates of that authority that they are hubs; without, whoever reaches
 * `listen` is one.
 */
export interface HubCluster {
  readonly listen: { readonly host: string; readonly port: number };
  /** `tls://host:port` (`nats://` without TLS) of the `listen` of every other hub. */
  readonly routes: readonly string[];
}

/** The server's own 2 s are short for many nodes that come back at once to a small machine. Seconds. */
const HANDSHAKE_S = 10;

/** Nodes come in order of their names, so that equal options give equal text. */
export function renderHubConfig(options: HubConfigOptions): string {
  const { group, serverName, listen, storeDir, tls, operator, nodes, nextKeys, cluster } = options;
  const { portsDir, pidFile, logFile } = options;
  const keys = [...nodes, ...(nextKeys ?? [])];
  const byName = keys.toSorted(([a, aKey], [b, bKey]) => (`${a} ${aKey}` < `${b} ${bKey}` ? -1 : 1));
  const lines = [
    `# Hub of federation group ${group}. Rendered by routerd; edit the configuration that it comes from.`,
    `server_name: ${quote(serverName)}`,
    `listen: ${quote(`${listen.host}:${listen.port}`)}`,
    'max_payload: 64KB',
    // A link that swallows everything is noticed after three of these, so that a node's next connection finds its consumer free.
    'ping_interval: "5s"',
    'ping_max: 2',
    ...(pidFile === undefined ? [] : [`pid_file: ${quote(pidFile)}`]),
    ...(logFile === undefined ? [] : [`log_file: ${quote(logFile)}`]),
    `jetstream { store_dir: ${quote(storeDir)} }`,
    ...(portsDir === undefined ? [] : ['http: "127.0.0.1:-1"', `ports_file_dir: ${quote(portsDir)}`]),
    ...(tls === undefined ? [] : renderTls(tls)),
    ...(cluster === undefined ? [] : renderCluster(group, cluster, tls)),
    'authorization {',
    `  timeout: ${HANDSHAKE_S}`,
    '  users: [',
    ...renderUser('operator: creates and changes the streams', operator, operatorPermissions(group)),
    ...byName.flatMap(([node, key]) => renderUser(`node ${node}`, key, nodePermissions(group, node))),
    '  ]',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * Least privilege (docs/reference/facts.md): a node publishes what is its own, reads both streams through consumers named after itself, and
 * listens to heartbeats and to its own inbox. It cannot create, delete or purge a stream, or delete a message.
 */
export function nodePermissions(group: GroupName, node: NodeName): Permissions {
  const streams = [factsStream(group), captureStream(group), eventsStream(group), rosterStream(group)];
  return {
    publish: [
      `sam.v1.${group}.facts.${node}.>`,
      heartbeatSubject(group, node),
      `sam.v1.${group}.capture.${node}.>`,
      `sam.v1.${group}.events.${node}.>`,
      ...streams.flatMap((stream) => [
        `$JS.API.STREAM.INFO.${stream}`,
        ...consumerNames(node).flatMap((name) =>
          ['CREATE', 'INFO', 'DELETE', 'MSG.NEXT'].map((verb) => `$JS.API.CONSUMER.${verb}.${stream}.${name}`),
        ),
      ]),
    ],
    subscribe: [`_INBOX_${node}.>`, `sam.v1.${group}.hb.*`],
  };
}

function operatorPermissions(group: GroupName): Permissions {
  const streams = [factsStream(group), captureStream(group), eventsStream(group), rosterStream(group)];
  const onStreams = streams.flatMap((stream) => [
    ...['INFO', 'CREATE', 'UPDATE', 'PURGE', 'DELETE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
    `$JS.API.STREAM.MSG.GET.${stream}`,
    ...['SNAPSHOT', 'RESTORE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
    `$JS.SNAPSHOT.ACK.${stream}.>`,
    `$JS.SNAPSHOT.RESTORE.${stream}.>`,
    `$JS.API.CONSUMER.*.${stream}.>`,
    `$JS.API.CONSUMER.LIST.${stream}`,
  ]);
  return { publish: [rosterSubject(group), ...onStreams], subscribe: ['_INBOX_OPERATOR.>'] };
}

function renderCluster(
  group: GroupName,
  { listen, routes }: HubCluster,
  tls: HubConfigOptions['tls'],
): readonly string[] {
  return [
    'cluster {',
    `  name: ${quote(group)}`,
    `  listen: ${quote(`${listen.host}:${listen.port}`)}`,
    // Nodes dial the servers of their own configuration; what hubs would tell them may be out of their reach.
    '  no_advertise: true',
    `  routes: [${routes.toSorted().map(quote).join(', ')}]`,
    ...(tls === undefined ? [] : renderTls(tls, tls.caFile === undefined ? [] : ['  verify: true'])).map(indent),
    '}',
  ];
}

export interface KeeperConfigOptions extends Pick<HubConfigOptions, 'group' | 'serverName' | 'tls'> {
  /** Of the hubs, as in their own configuration. */
  readonly routes: readonly string[];
  /** NKey public key of the one user. */
  readonly keeper: string;
  readonly portsDir: string;
}

/**
 * Of a server without streams that joins the hubs for a moment, to ask them for what only the system's account may ask. A hub itself has no user of
 * that account: nats-server 2.9.10 with one in its configuration left questions about streams unanswered after its configuration had changed as it ran.
 */
export function renderKeeperConfig({ group, serverName, tls, routes, keeper, portsDir }: KeeperConfigOptions): string {
  const permissions = { publish: ['$JS.API.SERVER.REMOVE'], subscribe: ['_INBOX_KEEPER.>'] };
  const lines = [
    `server_name: ${quote(serverName)}`,
    'listen: "127.0.0.1:-1"',
    `ports_file_dir: ${quote(portsDir)}`,
    ...renderCluster(group, { listen: { host: '127.0.0.1', port: -1 }, routes }, tls),
    'accounts {',
    '  "$SYS" {',
    '    users: [',
    ...renderUser('keeper: takes hubs that have left out of the cluster', keeper, permissions).map(indent).map(indent),
    '    ]',
    '  }',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function indent(line: string): string {
  return `  ${line}`;
}

function renderTls(tls: NonNullable<HubConfigOptions['tls']>, more: readonly string[] = []): readonly string[] {
  const authority = tls.caFile === undefined ? [] : [`  ca_file: ${quote(tls.caFile)}`];
  const timeout = `  timeout: ${HANDSHAKE_S}`;
  return [
    'tls {',
    timeout,
    `  cert_file: ${quote(tls.certFile)}`,
    `  key_file: ${quote(tls.keyFile)}`,
    ...authority,
    ...more,
    '}',
  ];
}

function renderUser(comment: string, key: string, { publish, subscribe }: Permissions): readonly string[] {
  const list = (subjects: readonly string[]): string => subjects.map(quote).join(', ');
  return [
    `    # ${comment}`,
    '    {',
    `      nkey: ${quote(key)}`,
    '      permissions: {',
    `        publish: { allow: [${list(publish)}] }`,
    `        subscribe: { allow: [${list(subscribe)}] }`,
    '      }',
    '    }',
  ];
}

/** Strings of this format have the escapes of JSON. */
function quote(text: string): string {
  return JSON.stringify(text);
}

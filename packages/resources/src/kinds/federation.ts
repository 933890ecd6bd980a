/** federation.routerd.net: who we are in a group of nodes, and who the others are. */
import { z } from 'zod';
import * as s from '../scalars.ts';

const endpoint = z.strictObject({ address: s.ipv4, port: s.port });

const hubSpec = z
  .strictObject({
    operatorSeedFile: s.absolutePath.describe(
      "NKey seed of the group's operator (file mode 0600): may create the streams of the group, which no node may.",
    ),
    replicas: z.literal([1, 3]).default(1).describe('1 or 3: how many hubs keep each stream. Never lowered by itself.'),
    storeDir: s.absolutePath.default('/var/lib/routerd/hub').describe('Folder of the streams.'),
    tls: z
      .strictObject({ certFile: s.absolutePath, keyFile: s.absolutePath })
      .optional()
      .describe('Certificate of this hub, signed by spec.tls.caFile. Without it everything travels in clear.'),
    cluster: z
      .strictObject({
        listen: endpoint,
        routes: z
          .array(s.text(/^(tls|nats):\/\/[^/\s]+:\d+$/, 'tls://HOST:PORT or nats://HOST:PORT'))
          .min(1)
          .describe('Where every other hub listens for hubs.'),
      })
      .optional()
      .describe('Hubs that replicate each other; with tls they prove by certificate that they are hubs.'),
  })
  .describe('What the machine of a hub is told.');

export const eventGroupSpec = z
  .strictObject({
    nodeName: s.nodeName.describe("This node's name; the same string as `members[].nodeRef`."),
    servers: z
      .array(s.text(/^(tls|nats):\/\/[^/\s]+:\d+$/, 'tls://HOST:PORT or nats://HOST:PORT'))
      .min(1)
      .describe('Hubs to dial; `nats://` only on a trusted network.'),
    identity: z
      .strictObject({ seedFile: s.absolutePath })
      .describe("The node's Ed25519 NKey seed (file mode 0600): authenticates to the hub and signs facts."),
    tls: z.strictObject({ caFile: s.absolutePath }).optional().describe('Who signed the certificates of the hubs.'),
    rosterKey: s
      .text(/^U[A-Z2-7]{55}$/, 'an NKey user public key: "U" and 55 base32 characters')
      .optional()
      .describe(
        "What the operator signs the group's list of members with. With it the list that the hubs bring counts, instead of the EventPeers and servers that stand here.",
      ),
    heartbeat: z
      .strictObject({
        interval: s.duration.prefault('500ms'),
        deadAfter: s.duration.prefault('5s').describe("Silence, by the receiver's monotonic clock, that means death."),
      })
      .prefault({}),
    retention: z
      .strictObject({ maxEvents: z.number().int().min(0).default(100_000), maxAge: s.duration.prefault('24h') })
      .prefault({})
      .describe('What the local record of facts keeps at most.'),
    replayWindow: s.duration.prefault('5m').describe('Facts dated further in the future than this are refused.'),
    role: z
      .enum(['client', 'hub'])
      .default('client')
      .describe('A hub also sees to it that the streams of the group exist. It need not be a router.'),
    server: z
      .enum(['external', 'managed'])
      .default('external')
      .describe("Who runs the hub's nats-server on this machine: somebody else, or routerd."),
    listen: endpoint.optional().describe('Where a managed server listens for nodes.'),
    hub: hubSpec.optional(),
  })
  .meta(
    s.instead({
      auth: 'Remove it: each node signs with its own key, identity.seedFile; what others may say is in their EventPeer.',
    }),
  )
  .describe('The group of nodes that share facts, and who this node is in it.');

export const eventPeerSpec = z
  .strictObject({
    groupRef: s.ref('EventGroup'),
    nodeName: s.nodeName,
    publicKey: s
      .text(/^U[A-Z2-7]{55}$/, 'an NKey user public key: "U" and 55 base32 characters')
      .describe("Verifies the node's facts."),
    nextPublicKey: s
      .text(/^U[A-Z2-7]{55}$/, 'an NKey user public key: "U" and 55 base32 characters')
      .optional()
      .describe('Counts as well, while the key of the node is being replaced.'),
  })
  .meta(
    s.instead({
      endpoint: 'Remove it: facts go through the hubs in servers of the EventGroup.',
      direction: 'Remove it: every node hears every fact of its group.',
      types:
        'Remove it: every node hears every fact of its group. What a plugin is told is chosen by an EventSubscription.',
      subjectPrefixes:
        'Remove it: every node hears every fact of its group. What a plugin is told is chosen by an EventSubscription.',
    }),
  )
  .describe('Another node of the group.');

export const eventSubscriptionSpec = z
  .strictObject({
    groupRef: s.ref('EventGroup'),
    match: z
      .strictObject({
        types: z
          .array(s.exact('the type of a fact, such as routerd.client.ipv4.observed'))
          .min(1)
          .describe('One of them.'),
        subjectPrefixes: z.array(s.word).default([]).describe('What the subject begins with; without any, everything.'),
        payload: z
          .record(s.text(/\S/, 'names that are not blank'), z.string())
          .default({})
          .describe('Members of the payload that are exactly so; all of them.'),
        sourceNodes: z.array(s.nodeName).default([]).describe('Who said it; without any, everybody.'),
      })
      .describe('Which facts it is about.'),
    trigger: z.strictObject({
      pluginRef: s.ref('Plugin'),
      batchWindow: s.duration
        .prefault('0s')
        .describe('Facts that follow the first within this time go to the plugin in one request.'),
      debounce: s.duration
        .prefault('0s')
        .describe('How long no fact may have come before the request is made; each fact begins it anew.'),
    }),
  })
  .describe('Hands facts of the group to a plugin, whose result becomes dynamic configuration.');

/** federation.routerd.net: who we are in a group of nodes, and who the others are. */
import { z } from 'zod';
import * as s from '../scalars.ts';

export const eventGroupSpec = z.strictObject({
  /** This node's name; the same string as `members[].nodeRef`. */
  nodeName: s.nodeName,
  /** Hubs to dial, `tls://host:port` (or `nats://` on a trusted network). */
  servers: z.array(s.text(/^(tls|nats):\/\/[^/\s]+:\d+$/, 'tls://HOST:PORT or nats://HOST:PORT')).min(1),
  /** The node's Ed25519 NKey seed (file mode 0600): authenticates to the hub and signs facts. */
  identity: z.strictObject({ seedFile: s.absolutePath }),
  tls: z.strictObject({ caFile: s.absolutePath }).optional(),
  heartbeat: z
    .strictObject({ interval: s.duration.prefault('500ms'), deadAfter: s.duration.prefault('2s') })
    .prefault({}),
  retention: z
    .strictObject({ maxEvents: z.number().int().min(0).default(100_000), maxAge: s.duration.prefault('24h') })
    .prefault({}),
  /** Facts dated further in the future than this are refused. */
  replayWindow: s.duration.prefault('5m'),
});

export const eventPeerSpec = z.strictObject({
  groupRef: s.ref('EventGroup'),
  nodeName: s.nodeName,
  /** The peer's NKey public key (`U…`), which its facts are verified with. */
  publicKey: s.text(/^U[A-Z2-7]{55}$/, 'an NKey user public key: "U" and 55 base32 characters'),
});

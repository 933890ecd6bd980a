/**
 * One hub process on loopback, nodes dialling it directly:
 *
 *   node ── TLS, NKey ──► nats-server (killed -9, wiped, paused) ◄── TLS, NKey ── node …
 */
import { rm } from 'node:fs/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { CaptureEpoch } from '@routerd/mobility';
import {
  captureStream,
  createFederation,
  eventsStream,
  factsStream,
  generateNodeIdentity,
  WIRE_BYTES_MAX,
} from '@routerd/federation';
import { RIG_GROUP, rigConfig, type RigNode } from '@routerd/federation/contract';
import { systemClock } from '@routerd/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  address,
  AWS_A,
  AWS_B,
  keyOf,
  observed,
  OCI_A,
  ONPREM_A,
  ONPREM_B,
  transition,
} from '../src/contract/federation-rig.ts';
import { captureSubject } from '../src/subjects.ts';
import { connectAs, makeNode, makeStreamsAnew, openHub, provision, untilTrue, type HubUnderTest } from './nats-rig.ts';
import { valueOf } from './value-of.ts';

let under: HubUnderTest;
const nodes: RigNode[] = [];

beforeAll(async () => {
  under = await openHub();
});
afterAll(async () => {
  await under.close();
});
beforeEach(async () => {
  await makeStreamsAnew(under);
});
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async ({ federation }) => federation.stop()));
});

async function start(...names: RigNode['name'][]): Promise<RigNode[]> {
  const started = names.map((name) => makeNode(under, name, under.hub.port));
  nodes.push(...started);
  await Promise.all(started.map(async ({ federation }) => federation.start()));
  await untilTrue(() => started.every(({ federation }) => federation.status().connected), 'all connected');
  return started;
}

async function startOne(name: RigNode['name']): Promise<RigNode> {
  const [node] = await start(name);
  if (node === undefined) throw new Error('a node was asked for');
  return node;
}

describe('what the hub does not let a node do', () => {
  const asNode = async <T>(attempt: (connection: NatsConnection) => Promise<T>): Promise<T> => {
    const connection = await connectAs(under, under.identities.get(AWS_B)?.seed ?? '', '_INBOX_aws-b');
    try {
      return await attempt(connection);
    } finally {
      await connection.close();
    }
  };
  const expectDenied = async (subject: string, text: string): Promise<void> => {
    await asNode(async (connection) => {
      const refusal = permissionRefusal(connection);
      connection.publish(subject, text);
      expect(await refusal).toContain(subject);
    });
    const connection = await connectAs(under, under.operator.seed, '_INBOX_OPERATOR');
    const manager = await jetstreamManager(connection, { checkAPI: false });
    for (const stream of [factsStream(RIG_GROUP), captureStream(RIG_GROUP), eventsStream(RIG_GROUP)]) {
      expect((await manager.streams.info(stream)).state.messages).toBe(0);
    }
    await connection.close();
  };

  it('a node publishes no fact in the name of another', async () => {
    await expectDenied(`sam.v1.${RIG_GROUP}.facts.${AWS_A}.cloudedge.10-77-60-12`, 'forged');
  });

  it('a node publishes no fact in another group', async () => {
    await expectDenied(`sam.v1.other.facts.${AWS_B}.cloudedge.10-77-60-12`, 'forged');
  });

  it('a node writes no capture record in the name of another', async () => {
    await expectDenied(captureSubject(RIG_GROUP, AWS_A, keyOf(address(10))), 'forged');
  });

  it('a node sends no heartbeat for another', async () => {
    await expectDenied(`sam.v1.${RIG_GROUP}.hb.${AWS_A}`, 'forged');
  });

  for (const verb of ['DELETE', 'PURGE', 'UPDATE', 'MSG.DELETE']) {
    it(`a node sends no STREAM.${verb}`, async () => {
      await expectDenied(`$JS.API.STREAM.${verb}.${captureStream(RIG_GROUP)}`, '{}');
    });
  }

  it('a node emits no event in the name of another', async () => {
    await expectDenied(`sam.v1.${RIG_GROUP}.events.${AWS_A}.com.example.x`, 'forged');
  });

  it('a node gives no order in the name of another', async () => {
    await expectDenied(`sam.v1.${RIG_GROUP}.capture.${AWS_A}.orders.bm9kZS9hd3MtYg`, 'forged');
  });

  for (const subject of ['$JS.API.CONSUMER.CREATE.SAM_OTHER_FACTS.aws-b', '$JS.API.STREAM.MSG.GET.SAM_OTHER_FACTS']) {
    it(`a node reads no other group by ${subject}`, async () => {
      await expectDenied(subject, '{}');
    });
  }

  it('a node does not listen to facts, or to another group, past the streams', async () => {
    for (const subject of [`sam.v1.${RIG_GROUP}.facts.>`, 'sam.v1.other.>', '>']) {
      await asNode(async (connection) => {
        const refusal = permissionRefusal(connection);
        connection.subscribe(subject);
        expect(await refusal).toContain(subject);
      });
    }
  });

  it('what is too long is not stored, and closes nobody', async () => {
    const [onprem] = await start(ONPREM_A);
    await asNode(async (connection) => {
      const subject = `sam.v1.${RIG_GROUP}.facts.${AWS_B}.cloudedge.10-77-60-12`;
      await expect(jetstream(connection).publish(subject, 'x'.repeat(WIRE_BYTES_MAX + 1))).rejects.toThrow(/size/);
      const stored = await jetstream(connection).publish(subject, 'x'.repeat(100));
      expect(stored.seq).toBeGreaterThan(0);
    });
    await untilTrue(() => (onprem?.federation.status().refused['fact.malformed'] ?? 0) === 1, 'the refusal');
  });

  for (const subject of [
    '$JS.API.STREAM.CREATE.SAM_RIG_MORE',
    `$JS.API.STREAM.SNAPSHOT.${factsStream(RIG_GROUP)}`,
    `$JS.API.STREAM.RESTORE.${factsStream(RIG_GROUP)}`,
    `$JS.API.STREAM.LEADER.STEPDOWN.${captureStream(RIG_GROUP)}`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${factsStream(RIG_GROUP)}.${AWS_A}`,
    `$JS.API.CONSUMER.DELETE.${factsStream(RIG_GROUP)}.${AWS_A}`,
    `$JS.API.CONSUMER.MSG.NEXT.${captureStream(RIG_GROUP)}.${AWS_A}`,
    '$SYS.REQ.SERVER.PING',
  ]) {
    it(`a node asks nothing of ${subject}`, async () => {
      await expectDenied(subject, '{}');
    });
  }

  // What a consumer is told to deliver is sent by the hub itself, whose permissions are not the node's.
  const detours: readonly (readonly [from: string, own: string, to: string])[] = [
    [
      factsStream(RIG_GROUP),
      `facts.${AWS_B}.cloudedge.10-77-60-12`,
      captureSubject(RIG_GROUP, AWS_A, keyOf(address(10))),
    ],
    [captureStream(RIG_GROUP), `capture.${AWS_B}.x`, `sam.v1.${RIG_GROUP}.facts.${AWS_A}.cloudedge.10-77-60-12`],
    [
      factsStream(RIG_GROUP),
      `facts.${AWS_B}.cloudedge.10-77-60-12`,
      `sam.v1.${RIG_GROUP}.events.${AWS_A}.com.example.x`,
    ],
  ];
  it.each(detours)('a node has nothing of %s delivered to where only another may publish', async (stream, own, to) => {
    const target = [factsStream(RIG_GROUP), captureStream(RIG_GROUP), eventsStream(RIG_GROUP)];
    await asNode(async (connection) => {
      const manager = await jetstreamManager(connection, { checkAPI: false });
      const request = { stream_name: stream, config: { name: AWS_B, deliver_subject: to, ack_policy: 'none' } };
      const answer = await connection.request(`$JS.API.CONSUMER.CREATE.${stream}.${AWS_B}`, JSON.stringify(request));
      const isMade = answer.json<{ error?: unknown }>().error === undefined;
      await jetstream(connection).publish(`sam.v1.${RIG_GROUP}.${own}`, 'forged');
      if (!isMade) return;
      const deadline = performance.now() + 300;
      while (performance.now() < deadline) {
        const { delivered } = await manager.consumers.info(stream, AWS_B);
        if (delivered.consumer_seq > 0) break;
      }
    });
    const connection = await connectAs(under, under.operator.seed, '_INBOX_OPERATOR');
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const stored = await Promise.all(target.map(async (name) => (await manager.streams.info(name)).state.messages));
    await connection.close();
    expect(stored).toEqual(target.map((name) => (name === stream ? 1 : 0)));
  });

  it('what a node asks for elsewhere keeps the name that it has, and purges nothing', async () => {
    const stream = factsStream(RIG_GROUP);
    const own = `sam.v1.${RIG_GROUP}.facts.${AWS_B}.cloudedge.10-77-60-12`;
    const anothers = captureSubject(RIG_GROUP, AWS_A, keyOf(address(10)));
    await asNode(async (connection) => {
      const manager = await jetstreamManager(connection, { checkAPI: false });
      await jetstream(connection).publish(own, '{}');
      await jetstream(connection).publish(`sam.v1.${RIG_GROUP}.events.${AWS_B}.com.example.x`, '{}');
      const request = { stream_name: stream, config: { name: AWS_B, ack_policy: 'none' } };
      await connection.request(`$JS.API.CONSUMER.CREATE.${stream}.${AWS_B}`, JSON.stringify(request));
      for (const reply of [anothers, `$JS.API.STREAM.PURGE.${eventsStream(RIG_GROUP)}`]) {
        connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${AWS_B}`, '{"batch":1}', { reply });
        await jetstream(connection).publish(own, '{}');
      }
      const deadline = performance.now() + 60_000;
      const delivered = async (): Promise<number> =>
        (await manager.consumers.info(stream, AWS_B)).delivered.consumer_seq;
      while ((await delivered()) < 2) expect(performance.now()).toBeLessThan(deadline);
    });
    const connection = await connectAs(under, under.operator.seed, '_INBOX_OPERATOR');
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const captures = await manager.streams.info(captureStream(RIG_GROUP), { subjects_filter: '>' });
    const events = await manager.streams.info(eventsStream(RIG_GROUP));
    await connection.close();
    expect(Object.keys(captures.state.subjects ?? {})).not.toContain(anothers);
    expect(events.state.messages).toBe(1);
  });

  it("a node makes no consumer in another's name", async () => {
    await expectDenied(`$JS.API.CONSUMER.CREATE.${factsStream(RIG_GROUP)}.${AWS_A}`, '{}');
  });

  it("a node does not listen to another's inbox", async () => {
    await asNode(async (connection) => {
      const refusal = permissionRefusal(connection);
      connection.subscribe('_INBOX_aws-a.>');
      expect(await refusal).toContain('_INBOX_aws-a.>');
    });
  });

  it('a node is told why in its status and its log', async () => {
    const group = 'elsewhere' as typeof RIG_GROUP;
    const node = makeNode(under, AWS_A, under.hub.port);
    const built = createFederation({
      config: {
        ...rigConfig(AWS_A, under.identities),
        group,
        servers: [`tls://127.0.0.1:${under.hub.port}`],
        caFile: under.caFile,
      },
      clock: systemClock,
      log: node.log,
      factStore: node.factStore,
      highWaterStore: node.highWaterStore,
      isCapturedHere: () => undefined,
    });
    const stranger = valueOf(built);
    await stranger.start();
    try {
      await untilTrue(() => events(node).includes('federation.hub.error'), 'the complaint');
      expect(stranger.status().lastError).toMatch(/Permissions Violation .*elsewhere/i);
      expect(node.log.lines.map(({ fields }) => fields['code'])).toContain('hub.permission-refused');
    } finally {
      await stranger.stop();
    }
  });
});

describe('who may connect', () => {
  it('an unknown key is refused, and said so', async () => {
    const identities = new Map(under.identities).set(AWS_A, generateNodeIdentity());
    const stranger = makeNode({ ...under, identities }, AWS_A, under.hub.port);
    nodes.push(stranger);
    await stranger.federation.start();
    await untilTrue(() => stranger.federation.status().lastError !== undefined, 'the refusal');
    expect(stranger.federation.status()).toMatchObject({ connected: false, hub: undefined });
    expect(stranger.federation.status().lastError).toMatch(/hub\.identity-refused/);
  });

  it('a hub of another authority is refused', async () => {
    const other = await openHub(under.identities);
    try {
      const node = makeNode({ ...under, caFile: other.caFile }, AWS_A, under.hub.port);
      nodes.push(node);
      await node.federation.start();
      await untilTrue(() => node.federation.status().lastError !== undefined, 'the refusal');
      expect(node.federation.status().lastError).toMatch(/hub\.unreachable: .*certificate/);
    } finally {
      await other.close();
    }
  });
});

describe('what happens to a hub', () => {
  it('killed and started again, it loses nothing that it acknowledged, and all converges', async () => {
    const [onprem, aws, oci] = await startThree();
    const held = await onprem.federation.registry.append(
      [transition(address(10), ONPREM_A, undefined)],
      new AbortController().signal,
    );
    expect(held).toMatchObject([{ kind: 'won' }]);
    const recordSome = (from: number): void => {
      for (let last = from; last < from + 50; last++) onprem.federation.facts.record(observed(address(last), ONPREM_A));
    };
    recordSome(1);
    await untilTrue(() => aws.federation.facts.accepted().length > 0, 'facts on their way');
    await under.hub.kill();
    recordSome(51);
    await untilTrue(
      () => !onprem.federation.status().connected && !aws.federation.status().connected,
      'the death noticed',
    );
    recordSome(101);
    await under.hub.start();
    const all = [onprem, aws, oci];
    await untilTrue(
      () => all.every(({ federation }) => federation.facts.accepted().length === 150),
      'all facts everywhere',
    );
    await untilTrue(() => onprem.federation.status().outboxDepth === 0, 'the outbox empty');
    await untilTrue(() => all.every(({ federation }) => federation.status().connected), 'all connected');
    for (const { federation } of all) {
      expect(federation.registry.records().get(keyOf(address(10)))).toMatchObject({ holder: ONPREM_A, epoch: 1 });
      expect([...federation.members.members().values()]).not.toContain('dead');
    }
    const newcomer = await startOne(AWS_B);
    expect(newcomer.federation.facts.accepted()).toHaveLength(150);
  });

  it('wiped, it is told again what is owned, and its old epochs are overtaken', async () => {
    const [onprem, aws] = await startThree();
    onprem.federation.facts.record(observed(address(10), ONPREM_A));
    const signal = new AbortController().signal;
    const [first] = await aws.federation.registry.append(
      [transition(address(10), AWS_A, undefined, { epoch: 5 as CaptureEpoch })],
      signal,
    );
    expect(first?.kind).toBe('won');
    await untilTrue(() => onprem.federation.status().outboxDepth === 0, 'the outbox empty');
    await under.hub.kill();
    await rm(under.storeDir, { recursive: true });
    await under.hub.start();
    await provision(under);
    await untilTrue(() => aws.federation.status().connected && onprem.federation.status().connected, 'connected again');
    expect(aws.federation.registry.records().size).toBe(0);
    expect(aws.federation.status().refused['capture.regressed']).toBeGreaterThanOrEqual(1);
    const newcomer = await startOne(AWS_B);
    await untilTrue(() => newcomer.federation.facts.accepted().length === 1, 'the fact, told again');
    const low = await aws.federation.registry.append([transition(address(10), AWS_A, undefined)], signal);
    expect(low).toMatchObject([{ kind: 'lost', because: 'epoch 1 is below the high-water mark 5' }]);
    const high = await aws.federation.registry.append(
      [transition(address(10), AWS_A, undefined, { epoch: 6 as CaptureEpoch })],
      signal,
    );
    expect(high).toMatchObject([{ kind: 'won', record: { epoch: 6 } }]);
  });

  it('paused until it is given up, it is found again, and what was recorded meanwhile arrives', async () => {
    const [onprem, aws] = await startThree();
    under.hub.stall();
    try {
      await untilTrue(() => !onprem.federation.status().connected && !aws.federation.status().connected, 'given up');
      expect([...aws.federation.members.members().values()]).not.toContain('dead');
      onprem.federation.facts.record(observed(address(10), ONPREM_A));
    } finally {
      under.hub.resume();
    }
    await untilTrue(() => aws.federation.facts.accepted().length === 1, 'the fact');
  });

  async function startThree(): Promise<readonly [RigNode, RigNode, RigNode]> {
    const [a, b, c] = await start(ONPREM_A, AWS_A, OCI_A);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three nodes were asked for');
    return [a, b, c];
  }
});

describe('how it is left', () => {
  it('stopping closes the connection and leaves nothing running', async () => {
    const before = process.getActiveResourcesInfo().filter(isHandle).length;
    const node = await startOne(AWS_A);
    node.federation.facts.record(observed(address(12), AWS_A));
    await node.federation.stop();
    await untilTrue(() => process.getActiveResourcesInfo().filter(isHandle).length <= before, 'no handles left');
    const unheard = makeNode(under, ONPREM_B, 1);
    await unheard.federation.start();
    await unheard.federation.stop();
    await untilTrue(() => process.getActiveResourcesInfo().filter(isHandle).length <= before, 'no handles left');
    expect(node.federation.status().hub).toBeUndefined();
  });

  it('a stream is provisioned twice without losing what it holds', async () => {
    const node = await startOne(AWS_A);
    node.federation.facts.record(observed(address(12), AWS_A));
    await untilTrue(() => node.federation.status().outboxDepth === 0, 'the outbox empty');
    await provision(under);
    const newcomer = await startOne(OCI_A);
    expect(newcomer.federation.facts.accepted()).toHaveLength(1);
  });
});

/** Sockets and timers; what the test runner itself holds was counted before. */
function isHandle(resource: string): boolean {
  return /TCP|TLS|Timeout|Immediate/.test(resource);
}

function events(node: RigNode): readonly unknown[] {
  return node.log.lines.map(({ fields }) => fields['event']);
}

async function permissionRefusal(connection: NatsConnection): Promise<string> {
  for await (const status of connection.status()) {
    if (status.type === 'error') return status.error.message;
  }
  return 'the connection closed';
}

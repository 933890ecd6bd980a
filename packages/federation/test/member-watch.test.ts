import { instant, durationMs, type NodeName } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { describe, expect, it } from 'vitest';
import { MemberWatch } from '../src/member-watch.ts';
import { Refusals } from '../src/refusals.ts';
import type { GroupName } from '../src/subjects.ts';
import { encodeWire } from '../src/wire/bounded-json.ts';
import { encodeHeartbeat } from '../src/wire/heartbeat-wire.ts';

const SELF = 'aws-a' as NodeName;
const PEER = 'aws-b' as NodeName;
const INTERVAL_MS = 500;

describe('judging members by their heartbeats', () => {
  it('beats at once and then each interval, while connected', async () => {
    const rig = open();
    rig.watch.connected();
    await rig.pass(2000);
    rig.watch.disconnected();
    await rig.pass(2000);
    expect(rig.beats).toEqual([0, 500, 1000, 1500, 2000]);
  });

  it('changes its judgement at the very instants', async () => {
    const rig = open();
    rig.watch.connected();
    rig.hear(PEER, 'start-1', 1);
    await rig.pass(4000);
    expect(rig.changes).toEqual([
      [0, 'alive'],
      [1000, 'suspect'],
      [2000, 'dead'],
    ]);
  });

  it('a heartbeat puts the instants off', async () => {
    const rig = open();
    rig.watch.connected();
    rig.hear(PEER, 'start-1', 1);
    await rig.pass(750);
    rig.hear(PEER, 'start-1', 2);
    await rig.pass(900);
    expect(rig.liveness()).toBe('alive');
    await rig.pass(100);
    expect(rig.liveness()).toBe('suspect');
  });

  it('a repeated heartbeat is no new sign of life', async () => {
    const rig = open();
    rig.watch.connected();
    rig.hear(PEER, 'start-1', 1);
    await rig.pass(750);
    rig.hear(PEER, 'start-1', 1);
    await rig.pass(250);
    expect(rig.liveness()).toBe('suspect');
  });

  it('answers a newcomer at once, and only once', async () => {
    const rig = open();
    rig.watch.connected();
    await rig.pass(100);
    rig.hear(PEER, 'start-1', 1);
    rig.hear(PEER, 'start-1', 2);
    expect(rig.beats).toEqual([0, 100]);
    rig.hear(PEER, 'start-2', 1);
    expect(rig.beats).toEqual([0, 100, 100]);
  });

  it('what an earlier life of a peer said arrives late and counts for nothing', async () => {
    const rig = open();
    rig.watch.connected();
    rig.hear(PEER, 'start-1', 1);
    rig.hear(PEER, 'start-2', 1);
    await rig.pass(1200);
    expect(rig.liveness()).toBe('suspect');
    const beats = rig.beats.length;
    rig.hear(PEER, 'start-1', 2);
    expect(rig.liveness()).toBe('suspect');
    expect(rig.beats).toHaveLength(beats);
  });

  it('a late word that came before anything else makes nobody deaf to the present life', async () => {
    const rig = open();
    rig.watch.connected();
    rig.hear(PEER, 'start-2', 1);
    rig.hear(PEER, 'start-1', 7);
    await rig.pass(1200);
    expect(rig.liveness()).toBe('suspect');
    rig.hear(PEER, 'start-2', 2);
    rig.hear(PEER, 'start-2', 3);
    expect(rig.liveness()).toBe('alive');
  });

  it('while disconnected nobody changes, and on reconnect patience starts anew', async () => {
    const rig = open();
    rig.watch.connected();
    rig.hear(PEER, 'start-1', 1);
    await rig.pass(500);
    rig.watch.disconnected();
    await rig.pass(60_000);
    expect(rig.liveness()).toBe('alive');
    rig.watch.connected();
    await rig.pass(990);
    expect(rig.liveness()).toBe('alive');
    await rig.pass(1010);
    expect(rig.changes.slice(1)).toEqual([
      [61_500, 'suspect'],
      [62_500, 'dead'],
    ]);
  });

  it('a suspect that is not heard after a reconnect does not look alive', async () => {
    const rig = open();
    rig.watch.connected();
    rig.hear(PEER, 'start-1', 1);
    await rig.pass(1200);
    expect(rig.liveness()).toBe('suspect');
    rig.watch.disconnected();
    rig.watch.connected();
    await rig.pass(1900);
    expect(rig.liveness()).toBe('suspect');
    await rig.pass(100);
    expect(rig.liveness()).toBe('dead');
  });

  it('when not even its own echo comes back, nobody is judged, and the time does not count', async () => {
    const rig = open();
    rig.watch.connected();
    rig.hear(PEER, 'start-1', 1);
    await rig.pass(500);
    rig.isHubSilent = true;
    await rig.pass(30_000);
    expect(rig.liveness()).toBe('alive');
    rig.isHubSilent = false;
    await rig.pass(500);
    expect(rig.liveness()).toBe('alive');
    await rig.pass(1500);
    expect(rig.liveness()).toBe('dead');
  });

  it('a process that stood still holds its own silence against nobody', async () => {
    const rig = open();
    rig.watch.connected();
    rig.hear(PEER, 'start-1', 1);
    await rig.pass(300);
    // One step: timers fire late, and before the sockets are read.
    rig.clock.advance(10_000);
    await rig.pass(0);
    expect(rig.liveness()).toBe('alive');
  });

  it('strangers, and heartbeats in the name of another, are refused', () => {
    const rig = open();
    rig.watch.connected();
    rig.hear('gcp-a' as NodeName, 'start-1', 1);
    rig.hear(PEER, 'start-1', 1, 'onprem-a' as NodeName);
    expect(rig.refused()).toEqual({ 'heartbeat.unknown-source': 1, 'heartbeat.malformed': 1 });
    expect(rig.liveness()).toBe('unheard');
  });
});

interface Rig {
  readonly clock: ManualClock;
  readonly watch: MemberWatch;
  /** Milliseconds at which this node beat. */
  readonly beats: number[];
  /** What the peer was judged to be, and when. */
  readonly changes: (readonly [number, string])[];
  isHubSilent: boolean;
  hear(subjectNode: NodeName, start: string, sequence: number, said?: NodeName): void;
  liveness(): string;
  refused(): Readonly<Record<string, number>>;
  /** Time passes in steps of 10 ms; the hub echoes this node's heartbeats at once. */
  pass(milliseconds: number): Promise<void>;
}

function open(): Rig {
  const clock = new ManualClock(instant(0));
  const log = new RecordingLog();
  const refusals = new Refusals(clock, log);
  const beats: number[] = [];
  const changes: (readonly [number, string])[] = [];
  const echoes: (() => void)[] = [];
  const watch: MemberWatch = new MemberWatch({
    config: {
      group: 'rig' as GroupName,
      self: SELF,
      seed: '',
      peers: new Map([[PEER, 'U']]),
      heartbeatInterval: durationMs(INTERVAL_MS),
      deadAfter: durationMs(2000),
      replayWindow: durationMs(0),
      pools: new Map(),
    },
    ports: { clock },
    log,
    transport: {
      publishHeartbeat: (subject, text) => {
        beats.push(clock.monotonic());
        echoes.push(() => watch.heartbeat(subject, encodeWire(text)));
      },
    },
    refusals,
    start: 'own-start',
    onClock: () => undefined,
    toBeRead: () => ({ factsRead: 0, capturesRead: 0 }),
    positions: () => ({ factsRead: 0, capturesRead: 0 }),
  });
  const liveness = (): string => watch.members().get(PEER) ?? 'not a member';
  watch.onChange(() => changes.push([clock.monotonic(), liveness()]));
  const rig: Rig = {
    clock,
    watch,
    beats,
    changes,
    isHubSilent: false,
    hear: (node, start, sequence, said = node) =>
      watch.heartbeat(`sam.v1.rig.hb.${node}`, encodeWire(encodeHeartbeat({ node: said, start, sequence }))),
    liveness,
    refused: () => refusals.counts(),
    pass: async (milliseconds) => {
      const carry = async (): Promise<void> => {
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        for (const echo of echoes.splice(0)) if (!rig.isHubSilent) echo();
      };
      await carry();
      for (let passed = 0; passed < milliseconds; passed += 10) {
        clock.advance(Math.min(10, milliseconds - passed));
        await carry();
      }
    },
  };
  return rig;
}

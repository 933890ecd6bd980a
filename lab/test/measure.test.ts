import { expect, test } from 'vitest';
import { judgeAnswers, parseArp } from '../src/measure/arp-watch.ts';
import { lastOf, millisecondsText } from '../src/measure/figures.ts';
import { parseArpSender } from '../src/measure/first-packets.ts';
import { quantile } from '../src/measure/quantile.ts';
import { parseRouteEvent } from '../src/measure/route-watch.ts';
import { judgeSeries } from '../src/measure/steady-ping.ts';
import { echoText } from '../src/measure/steady-session.ts';

test('a route that the kernel reports has its destination and its instant in microseconds', () => {
  const event = parseRouteEvent('[2026-11-21T06:45:18.123456] 10.77.60.10 dev wg-onprem-a proto 84 scope link ');
  expect(event).toMatchObject({ kind: 'installed', destination: '10.77.60.10' });
  expect(event?.at).toBeCloseTo(Date.parse('2026-11-21T06:45:18Z') + 123.456, 3);
});

test('a withdrawn route and a default route are told apart from an installed one', () => {
  expect(parseRouteEvent('[2026-11-21T06:45:18.123456] Deleted 10.77.60.10 dev wg-aws-a proto 84 ')?.kind).toBe(
    'removed',
  );
  expect(parseRouteEvent('[2026-11-21T06:45:18.123456] default via 10.77.60.1 dev eth0 ')?.destination).toBe('default');
  expect(parseRouteEvent('[2026-11-21T06:45:18.123456] local 10.77.60.10 dev lo table local ')).toBeUndefined();
});

test('the sender of an ARP packet is who asks or who tells', () => {
  expect(parseArpSender('1763704800.250000 ARP, Request who-has 10.77.60.1 tell 10.77.60.100, length 28')).toEqual({
    at: 1763704800250,
    address: '10.77.60.100',
  });
  expect(parseArpSender('1763704800.250000 ARP, Reply 10.77.60.101 is-at 02:00:0a:4d:3c:65, length 28')?.address).toBe(
    '10.77.60.101',
  );
  expect(parseArpSender('1763704800.250000 IP 10.77.60.100 > 10.77.60.1: ICMP echo request')).toBeUndefined();
});

test('a quantile is a value that was measured', () => {
  const values = Array.from({ length: 20 }, (_, index) => 20 - index);
  expect(quantile(values, 0.5)).toBe(10);
  expect(quantile(values, 0.95)).toBe(19);
  expect(quantile([], 0.95)).toBeUndefined();
});

const answer = (sequence: number, at: number): string =>
  `[${(at / 1000).toFixed(5)}] 10.77.60.11 : [${sequence}], 64 bytes, 0.130 ms (0.254 avg, 0% loss)`;

test('a packet that timed out, or of which nothing was said, is lost, and the gap it leaves has a length', () => {
  const series = judgeSeries([
    answer(0, 1000),
    answer(1, 1005),
    '[1.01000] 10.77.60.11 : [2], timed out (0.1 avg, 33% loss)',
    answer(4, 1020),
  ]);
  expect(series.lost).toEqual([2, 3]);
  expect(series.answered).toBe(3);
  expect(series.longestGapMs).toBeCloseTo(15, 6);
});

test('lost packets of which nothing was said were sent evenly between those of which something was', () => {
  const series = judgeSeries([answer(0, 1000), answer(1, 1005), answer(5, 1025), answer(6, 1040)]);
  expect(series.lost).toEqual([2, 3, 4]);
  expect(series.lostAt.map((at) => Math.round(at))).toEqual([1010, 1015, 1020]);
  const timedOut = '[2.01000] 10.77.60.11 : [2], timed out (0.1 avg, 33% loss)';
  expect(
    judgeSeries([answer(0, 1000), answer(1, 1005), timedOut, answer(3, 1015)]).lostAt.map((at) => Math.round(at)),
  ).toEqual([1010]);
});

test('a flow that does not come back is silent until the last packet of which something was said', () => {
  const series = judgeSeries([
    answer(0, 1000),
    answer(1, 1005),
    '[4.00500] 10.77.60.11  : [400], timed out (0.1 avg, 99% loss)',
  ]);
  expect(series.longestGapMs).toBeCloseTo(2000, 6);
  expect(series.longestGapAt).toBeCloseTo(1005, 6);
});

test('answers that overtake each other are no loss, and packets under way at the end are not judged', () => {
  expect(judgeSeries([answer(0, 1000), answer(2, 1010), answer(1, 1011)]).lost).toEqual([]);
  expect(judgeSeries(['10.77.60.11 : xmt/rcv/%loss = 3/0/100%']).lost).toEqual([]);
});

const PAIR = ['02:00:0a:4d:3c:02', '02:00:0a:4d:3c:03'] as const;

test('an ARP packet to everybody in which somebody speaks for itself is an announcement, however it is worded', () => {
  const [a] = PAIR;
  const all = `1763704800.250000 ${a} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: `;
  const one = `1763704800.250000 ${a} > 02:00:0a:4d:3c:0a, ethertype ARP (0x0806), length 42: `;
  const heard = (text: string) => parseArp(text)?.kind;
  expect(parseArp(`${all}Reply 10.77.60.11 is-at ${a}, length 28`)).toEqual({
    kind: 'announcement',
    at: 1763704800250,
    address: '10.77.60.11',
    mac: a,
  });
  expect(heard(`${all}Request who-has 10.77.60.11 (ff:ff:ff:ff:ff:ff) tell 10.77.60.11, length 28`)).toBe(
    'announcement',
  );
  expect(heard(`${all}Request who-has 10.77.60.11 tell 10.77.60.1, length 28`)).toBe('question');
  expect(heard(`${one}Reply 10.77.60.11 is-at ${a}, length 28`)).toBe('answer');
  expect(heard('listening on lan0, link-type EN10MB (Ethernet), snapshot length 262144 bytes')).toBeUndefined();
});

test('who answered for an address is told in order, and a question that two answered is named', () => {
  const [a, b] = PAIR;
  const at = 1000;
  const address = '10.77.60.11';
  const question = { kind: 'question', at, address, mac: '02:00:0a:4d:3c:01' } as const;
  const by = (mac: string, of = address) => ({ kind: 'answer', at, address: of, mac }) as const;
  const moved = [question, by(a), question, by(b, '10.77.60.12'), by(a), question, question, by(b)];
  expect(judgeAnswers(moved, address)).toEqual({ order: [a, b], answers: 3, doubles: [], overlapMs: 0 });
  expect(judgeAnswers([question, by(a), by(b)], address).doubles).toEqual([`${a} and ${b} at 1000`]);
});

test('one that was succeeded may go on answering for so long, and takes over again when it answers later', () => {
  const [a, b] = PAIR;
  const address = '10.77.60.11';
  const by = (mac: string, at: number) => ({ kind: 'answer', at, address, mac }) as const;
  const late = [by(a, 0), by(b, 1000), by(a, 1040), by(b, 1080), by(a, 1099)];
  expect(judgeAnswers(late, address, 100)).toMatchObject({ order: [a, b], overlapMs: 99 });
  expect(judgeAnswers(late, address).order).toEqual([a, b, a, b, a]);
  expect(judgeAnswers([by(a, 0), by(b, 1000), by(a, 1100)], address, 100).order).toEqual([a, b, a]);
});

test('of an SSH session is told whether all that was typed came back, or where it first differs', () => {
  const lines = (...numbers: readonly number[]) => numbers.map((number) => `line ${number}`);
  expect(echoText({ typed: 3, echoed: lines(1, 2, 3) })).toBe('all 3, in order');
  expect(echoText({ typed: 3, echoed: lines(1, 2) })).toBe('2 of 3');
  expect(echoText({ typed: 3, echoed: lines(1, 3, 2) })).toBe('"line 3" as line 2');
  expect(echoText({ typed: 0, echoed: [] })).toBe('0 of 0');
});

test('the last of several instants is not known while one of them is not', () => {
  expect(lastOf([3, 0, 9])).toBe(9);
  expect(lastOf([3, undefined, 9])).toBeUndefined();
});

test('times are told in milliseconds, short ones with a tenth, and what was not seen in words', () => {
  expect([millisecondsText(99.94), millisecondsText(100.4), millisecondsText(undefined)]).toEqual([
    '99.9 ms',
    '100 ms',
    'not seen',
  ]);
});

import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, expect, test } from 'vitest';
import { LineProcess } from '../src/adapters/linux/line-process.ts';

let running: LineProcess | undefined;
afterEach(async () => running?.stop());

const shared = { clock: systemClock, log: new RecordingLog() };

test('a program that ends is started again, and each start is told', async () => {
  const told: string[] = [];
  await new Promise<void>((resolve) => {
    running = new LineProcess({
      ...shared,
      argv: ['sh', '-c', 'echo one; echo ready >&2; exit 1'],
      startsWith: 'ready',
      linesPerSecondMax: 100,
      onStarted: () => told.push('started'),
      onLine: (line) => {
        told.push(line);
        if (told.filter((entry) => entry === 'one').length === 2 && told.includes('started')) resolve();
      },
    });
  });
  expect(told).toContain('started');
});

test('a flood is not read faster than its limit allows', async () => {
  let lines = 0;
  const start = performance.now();
  await new Promise<void>((resolve) => {
    running = new LineProcess({
      ...shared,
      argv: ['yes', 'a line of about the length that tcpdump prints for one packet of the address resolution protocol'],
      linesPerSecondMax: 1000,
      onStarted: () => undefined,
      onLine: () => {
        lines += 1;
        if (lines === 4000) resolve();
      },
    });
  });
  // A thousand a second, and at each pause what had been read already (one chunk of 64 KiB is some 600 lines).
  expect(performance.now() - start).toBeGreaterThan(1000);
});

test('a program that is not installed is no error of ours', async () => {
  const log = new RecordingLog();
  running = new LineProcess({
    clock: systemClock,
    log,
    argv: ['/nowhere/to/be/found'],
    linesPerSecondMax: 1,
    onStarted: () => undefined,
    onLine: () => undefined,
  });
  while (log.lines.length === 0)
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  expect(log.lines[0]?.fields).toMatchObject({ event: 'dataplane.source.ended' });
});

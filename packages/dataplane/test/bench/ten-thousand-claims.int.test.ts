/** Figures of a host with ten thousand captured addresses. What is meant is printed beside what was measured; the bounds allow for a busy machine. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { runCommand } from '@routerd/runtime';
import { openNamespaceRig } from '../namespace-rig.ts';

const figures = z.object({
  settled: z.boolean(),
  residuals: z.number(),
  plainMs: z.number(),
  fromNothingMs: z.number(),
  changedMs: z.number(),
  nothingNewMs: z.number(),
  readingMs: z.number(),
  oneDriftMs: z.number(),
  tenDriftsMs: z.number(),
  atRest: z.array(z.string()),
});

test('ten thousand claims: applied at once, changed one by one, and left alone', async () => {
  const rig = await openNamespaceRig();
  try {
    const script = path.join(import.meta.dirname, 'ten-thousand-claims.ts');
    const ran = await runCommand(['ip', 'netns', 'exec', rig.router.name, process.execPath, script], {
      timeoutMs: 110_000,
    });
    if (!ran.ok) throw new Error(`${ran.error.code} ${ran.error.stderr}`);
    const measured = figures.parse(JSON.parse(ran.value.stdout));
    const ratio = measured.fromNothingMs / measured.plainMs;
    const round = (milliseconds: number): string => `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
    console.log(
      [
        `10,000 claims from nothing: ${round(measured.fromNothingMs)} (meant: under 1 s)`,
        `plain ip -batch and nft -f of the same: ${round(measured.plainMs)}; ratio ${ratio.toFixed(2)} (meant: at most 2)`,
        `one changed among them: median ${round(measured.changedMs)} (meant: under 20 ms)`,
        `asked for the same again: median ${round(measured.nothingNewMs)}`,
        `read and compared, nothing to do: median ${round(measured.readingMs)} (meant: under 100 ms)`,
        `a route that somebody deletes among them is back: median ${round(measured.oneDriftMs)} (meant: under 1 s)`,
        `ten things at once, a table and settings among them: median ${round(measured.tenDriftsMs)} (meant: under 1 s)`,
        `programs at rest: ${measured.atRest.join('; ') || 'none'}`,
      ].join('\n'),
    );
    expect(measured).toMatchObject({ settled: true, residuals: 0 });
    expect(measured.fromNothingMs).toBeLessThan(5000);
    expect(ratio).toBeLessThan(4);
    expect(measured.changedMs).toBeLessThan(200);
    expect(measured.readingMs).toBeLessThan(1000);
    expect(Math.max(measured.oneDriftMs, measured.tenDriftsMs)).toBeLessThan(10_000);
    // The two that the kernel's news come through; nothing is started while nothing happens.
    expect(measured.atRest.filter((child) => !/^(ip|nft) .*monitor/.test(child))).toEqual([]);
  } finally {
    await rig.dispose();
  }
});

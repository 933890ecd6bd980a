/** What an operator types on a router, and what the registry says there. */
import { z } from 'zod';
import type { Lab } from './lab.ts';
import { textOf } from './lab-fault.ts';
import { askRouter } from './router-api.ts';
import { isCloud, type Site } from './topology.ts';

export interface Said {
  readonly ok: boolean;
  readonly text: string;
}

export async function routerctl(lab: Lab, routerName: string, ...words: readonly string[]): Promise<Said> {
  const result = await lab.vm(routerName).exec(['routerctl', ...words], { timeoutMs: 120_000 });
  return { ok: result.ok, text: textOf(result).trim() };
}

const captures = z.object({
  items: z.array(
    z.object({
      address: z.string(),
      domain: z.string(),
      holder: z.string().optional(),
      phase: z.string(),
      epoch: z.number(),
    }),
  ),
});

export interface CaptureView {
  /** As `ip` writes it, without its length. */
  readonly address: string;
  readonly holder: string | undefined;
  readonly phase: string;
  readonly epoch: number;
}

/** What one node knows of the capture registry: every capture in a site's domain, by address. What was given back stands there too, held by nobody; it is left out. */
export async function capturesOf(lab: Lab, via: string, site: Site): Promise<readonly CaptureView[]> {
  const parsed = captures.safeParse(await askRouter(lab.vm(via), '/v1/mobility/captures'));
  if (!parsed.success) return [];
  return parsed.data.items
    .filter(
      ({ phase, domain }) =>
        phase !== 'vacant' && domain.startsWith(isCloud(site) ? `provider:${site}:` : `site:${site}:`),
    )
    .map(({ address, holder, phase, epoch }) => ({ address: address.replace('/32', ''), holder, phase, epoch }))
    .toSorted((a, b) => (a.address < b.address ? -1 : 1));
}

const peers = z.object({ items: z.array(z.object({ node: z.string(), liveness: z.string() })) });

/** What one node takes another for: `alive`, `suspect`, `dead`, `unheard`; `undefined` while it does not say. */
export async function livenessOf(lab: Lab, via: string, node: string): Promise<string | undefined> {
  const parsed = peers.safeParse(await askRouter(lab.vm(via), '/v1/federation/peers'));
  return parsed.success ? parsed.data.items.find((each) => each.node === node)?.liveness : undefined;
}

/** How many times the captures of `before` have got another tenure since: each raises its epoch by one. */
export function tenuresSince(before: readonly CaptureView[], after: readonly CaptureView[]): number {
  const epochs = new Map(after.map(({ address, epoch }) => [address, epoch]));
  return before.reduce((sum, { address, epoch }) => sum + (epochs.get(address) ?? epoch) - epoch, 0);
}

/** `10.77.60.10 epoch 2 held by aws-router-b, …`: for an assertion. */
export function captureText(views: readonly CaptureView[]): string {
  return views
    .map(({ address, holder, phase, epoch }) => `${address} ${phase} ${holder ?? 'nobody'} ${epoch}`)
    .join(', ');
}

/** Whether this machine's identity may do at its NICs what routerd will ask of it, and how much more fits there. Changes nothing. */
import type { NicTarget, Survey } from '@routerd/actions';
import type { PluginExecutor } from '@routerd/plugin-host';
import { ACTION_VERBS } from '@routerd/resources';

/** For one request. */
const LIMIT_MS = 60_000;

type Asked = Awaited<ReturnType<PluginExecutor['preflight']>>;
type Finding = Extract<Asked, { readonly ok: true }>['value']['findings'][number];

export interface NicPreflight {
  readonly nic: string;
  readonly providerRef: string;
  /** `routerd-aws 0.1.0`; empty where it said nothing of itself. */
  readonly executor: string;
  readonly identity?: string | undefined;
  readonly findings: readonly Finding[];
  /** `3 of 14 secondaries used`; absent where the executor does not know. */
  readonly capacity?: string;
  /** Why nothing could be found out. */
  readonly fault?: string;
}

/** The NICs one after another, as their account has room: a failover may need it meanwhile. */
export async function preflightAll(
  nics: readonly NicTarget[],
  executor: PluginExecutor,
  survey: Survey,
): Promise<readonly NicPreflight[]> {
  const reports: NicPreflight[] = [];
  for (const nic of nics) reports.push(await preflightOne(nic, executor, survey));
  return reports;
}

async function preflightOne(nic: NicTarget, executor: PluginExecutor, survey: Survey): Promise<NicPreflight> {
  const limit = (): AbortSignal => AbortSignal.timeout(LIMIT_MS);
  const asked = await survey.ask(nic, async () => executor.preflight(nic, ACTION_VERBS, limit()));
  const inventory = await survey.ask(nic, async () => executor.inventory(nic, undefined, limit()));
  const described = executor.description(nic);
  const head = {
    nic: nic.nicRef,
    providerRef: nic.providerRef,
    executor: described === undefined || described.name === 'unnamed' ? '' : `${described.name} ${described.release}`,
    ...(inventory.ok ? { capacity: capacityText(inventory.value.capacity) } : {}),
  };
  if (asked.ok) return { ...head, identity: asked.value.identity, findings: asked.value.findings };
  const wasAnswered = asked.error.code === 'executor.failed';
  const isMissing = wasAnswered && described?.requests.includes('PreflightRequest') === false;
  const fault = isMissing ? 'the executor has no preflight' : `${asked.error.code}: ${asked.error.detail}`;
  return { ...head, findings: [], fault };
}

function capacityText({
  secondariesUsed,
  secondariesMax,
}: {
  readonly secondariesUsed: number;
  readonly secondariesMax?: number | undefined;
}): string {
  const of = secondariesMax === undefined ? '' : ` of ${secondariesMax}`;
  return `${secondariesUsed}${of} secondaries used`;
}

/** True if something is missing, or nobody can tell. */
export function hasFailed(reports: readonly NicPreflight[]): boolean {
  return reports.some(
    ({ fault, findings }) => fault !== undefined || findings.some(({ verdict }) => verdict === 'failed'),
  );
}

export function preflightText(reports: readonly NicPreflight[]): string {
  return reports.flatMap((report) => nicLines(report)).join('\n');
}

function nicLines({
  nic,
  providerRef,
  executor,
  identity,
  capacity,
  findings,
  fault,
}: NicPreflight): readonly string[] {
  return [
    `${providerRef} ${nic}`,
    ...(executor === '' ? [] : [`  executor  ${executor}`]),
    ...(identity === undefined ? [] : [`  identity  ${identity}`]),
    ...(capacity === undefined ? [] : [`  capacity  ${capacity}`]),
    ...findings.flatMap(({ verdict, name, permission, message, remedy }) => [
      `  ${verdict.padEnd(8)}  ${permission ?? name}: ${message}`,
      ...(remedy === undefined ? [] : [`            ${remedy}`]),
    ]),
    ...(fault === undefined ? [] : [`  failed    ${fault}`]),
  ];
}

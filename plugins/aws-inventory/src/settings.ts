/** What the plugin is told by its environment and by the context of its request. Pure. */
import { powerPolicyOf, type ObserveRequest, type PowerPolicy } from '@routerd/plugin-sdk';

export interface InventorySettings {
  /** This router's network interface: its subnet is looked at. */
  readonly interfaceId: string;
  readonly region: string;
  /** What becomes of the address of a machine that is switched off. */
  readonly powerPolicy: PowerPolicy;
  /** The pool that the addresses are told of. */
  readonly pool: string;
  /** `10.77.60.0/24`; addresses outside of it are nobody's business. */
  readonly prefix: string;
}

/** @throws Error that says what is missing, for the operator */
export function settingsOf(
  environment: Readonly<Partial<Record<string, string>>>,
  { context }: Pick<ObserveRequest, 'context'>,
): InventorySettings {
  const interfaceId = environment['AWS_ENI'] ?? '';
  if (interfaceId === '') throw new Error("spec.env.AWS_ENI is missing: it names this router's network interface");
  const region = environment['AWS_REGION'] ?? '';
  if (region === '') throw new Error('spec.env.AWS_REGION is missing');
  const [pool, ...others] = context.resources.filter(({ kind }) => kind === 'MobilityPool');
  if (pool === undefined || others.length > 0)
    throw new Error('spec.context.resources has to name one MobilityPool that exists');
  const prefix = typeof pool.spec === 'object' && pool.spec !== null ? Reflect.get(pool.spec, 'prefix') : undefined;
  const powerPolicy = powerPolicyOf(environment['ROUTERD_POWER_STATE']);
  return { interfaceId, region, powerPolicy, pool: pool.name, prefix: String(prefix) };
}

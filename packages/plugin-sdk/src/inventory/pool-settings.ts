/** What an inventory of a pool's machines is told, whatever its cloud. Pure. */
import type { ObserveRequest } from '../observer-protocol.ts';
import { powerPolicyOf, type PowerPolicy } from './presence.ts';

export type Environment = Readonly<Partial<Record<string, string>>>;

export interface PoolSettings {
  /** The pool that the addresses are told of. */
  readonly pool: string;
  /** `10.77.60.0/24`; addresses outside of it are nobody's business. */
  readonly prefix: string;
  /** What becomes of the address of a machine that is switched off. */
  readonly powerPolicy: PowerPolicy;
  /** How long a fact counts without being repeated, `30m`; the pool's own time where undefined. Longer than from one look to the next. */
  readonly factTtl: string | undefined;
}

/** @throws Error that says what is missing, for the operator */
export function poolSettingsOf(
  environment: Environment,
  { context }: { readonly context: ObserveRequest['context'] },
): PoolSettings {
  const [pool, ...others] = context.resources.filter(({ kind }) => kind === 'MobilityPool');
  if (pool === undefined || others.length > 0)
    throw new Error('spec.context.resources has to name one MobilityPool that exists');
  const prefix: unknown =
    typeof pool.spec === 'object' && pool.spec !== null ? Reflect.get(pool.spec, 'prefix') : undefined;
  // Taken for a prefix, it would hold no address, and all that was told before would be told gone.
  if (typeof prefix !== 'string') throw new Error(`MobilityPool/${pool.name} has no spec.prefix`);
  const powerPolicy = powerPolicyOf(environment['ROUTERD_POWER_STATE']);
  return { pool: pool.name, prefix, powerPolicy, factTtl: environment['ROUTERD_FACT_TTL'] };
}

/** @param what completes `… is missing`, for the operator. @throws Error for a variable that is not declared, or empty */
export function requiredVariable(environment: Environment, name: string, what = ''): string {
  const value = environment[name] ?? '';
  if (value === '') throw new Error(`spec.env.${name} is missing${what === '' ? '' : `: ${what}`}`);
  return value;
}

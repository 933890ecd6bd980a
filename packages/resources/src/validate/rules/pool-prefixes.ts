/** Which pool an address belongs to. */
import { prefixTable } from '../../prefix-table.ts';
import { oncePerIndex } from '../resource-index.ts';

/** A pool of everything is reported as such; that it also covers every tunnel is no news. */
export const poolsByPrefix = oncePerIndex((index) =>
  prefixTable(
    index
      .ofKind('MobilityPool')
      .filter(({ spec }) => spec.prefix !== '0.0.0.0/0')
      .map((pool) => [pool.spec.prefix, pool] as const),
  ),
);

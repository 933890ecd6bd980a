/** What a Router says besides its resources. */
import type { Problem } from '../../diagnostic.ts';
import type { Router } from '../../router-document.ts';
import type { ResourceIndex } from '../resource-index.ts';
import { declaredInterface, resolve } from './references.ts';

export function routerProblems(router: Router, index: ResourceIndex): readonly Problem[] {
  const { reconcile } = router.spec;
  const path = ['spec', 'reconcile'];
  return [
    ...reconcile.protectedInterfaces.flatMap((name, position) => [
      ...declaredInterface(index, name, [...path, 'protectedInterfaces', position]),
    ]),
    ...reconcile.protectedZones.flatMap((zone, position) => [
      ...resolve(index, 'FirewallZone', zone, [...path, 'protectedZones', position]),
    ]),
  ];
}

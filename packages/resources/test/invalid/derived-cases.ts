import { DYNAMIC, ONPREM, STATIC_PAIR } from '../configurations.ts';
import type { InvalidCase } from './case.ts';

/** The document of a kind, alone. */
function only(text: string, kind: string): string {
  return text.split('---\n').find((document) => document.includes(`\nkind: ${kind}\n`)) ?? '';
}

/** What a dynamic part may not bring. The configuration that it joins declares what it refers to. */
export const derivedCases: readonly InvalidCase[] = [
  { title: 'a plugin', text: only(DYNAMIC, 'Plugin'), codes: ['kind.not-dynamic'] },
  { title: 'a source of parts', text: only(DYNAMIC, 'DynamicConfigSource'), codes: ['kind.not-dynamic'] },
  { title: 'a grant', text: only(DYNAMIC, 'DynamicOverridePolicy'), codes: ['kind.not-dynamic'] },
  { title: 'a subscription', text: only(DYNAMIC, 'EventSubscription'), codes: ['kind.not-dynamic'] },
  { title: 'a permission', text: only(STATIC_PAIR, 'ProviderActionPolicy'), codes: ['kind.not-dynamic'] },
  { title: 'an identity', text: only(ONPREM, 'EventGroup'), codes: ['kind.not-dynamic'] },
  { title: 'a trusted key', text: only(ONPREM, 'EventPeer'), codes: ['kind.not-dynamic'] },
  {
    title: 'a default route',
    text: 'apiVersion: net.routerd.net/v1alpha1\nkind: IPv4Route\nmetadata: {name: d}\nspec: {destination: 0.0.0.0/0, gateway: 192.0.2.1}\n',
    codes: ['prefix.default-route'],
  },
];

import type { ResourceOf } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import { findExecutor } from '../src/index.ts';

function plugin(name: string, capability: ResourceOf<'Plugin'>['spec']['capabilities'][number]): ResourceOf<'Plugin'> {
  return {
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'Plugin',
    metadata: { name, annotations: {}, ownerRefs: [] },
    spec: {
      executable: '/usr/bin/node',
      args: [],
      env: {},
      capabilities: [capability],
      triggers: [],
      context: { resources: [] },
    },
  };
}

const chosen = (plugins: readonly ResourceOf<'Plugin'>[]): string => {
  const found = findExecutor(plugins, 'aws');
  return found.ok ? found.value.metadata.name : `${found.error.code}: ${found.error.detail}`;
};

describe('the executor of a provider', () => {
  test('is the plugin that is named for it', () => {
    const plugins = [
      plugin('oci-executor', 'execute.providerAction'),
      plugin('aws-executor', 'execute.providerAction'),
    ];
    expect(chosen(plugins)).toBe('aws-executor');
  });

  test('is otherwise the only executor there is', () => {
    expect(chosen([plugin('inventory', 'observe.cloud'), plugin('mine', 'execute.providerAction')])).toBe('mine');
  });

  test('is nobody when no plugin can execute, whatever its name', () => {
    expect(chosen([plugin('aws-executor', 'observe.cloud')])).toBe(
      'executor.not-configured: no Plugin with capability execute.providerAction',
    );
  });

  test('is not guessed among several', () => {
    expect(chosen([plugin('b', 'execute.providerAction'), plugin('a', 'execute.providerAction')])).toBe(
      'executor.ambiguous: ambiguous executor for provider "aws": a, b; name one of them aws-executor',
    );
  });
});

import { result, type ResultMessage } from '@routerd/plugin-sdk';
import { expect, test } from 'vitest';
import { describeLine, negotiated, PLAIN } from '../src/negotiate.ts';

const VERSION = 'provideraction.routerd.net/v1alpha1';

function answer(kind: string, status: unknown): ResultMessage {
  return result.parse({ apiVersion: VERSION, kind, id: 'describe', status });
}

const described = {
  status: 'completed',
  version: VERSION,
  executor: { name: 'routerd-oci', release: '0.1.0' },
  requests: ['ExecuteActionRequest', 'ObserveNicRequest', 'DescribeRequest', 'CheckRequest', 'DanceRequest'],
  actions: ['assign-secondary-ip'],
  providers: ['oci'],
  storesEpoch: true,
};

test('takes what the executor said of itself, without the requests that nobody here knows', () => {
  expect(negotiated(answer('DescribeResult', described))).toEqual({
    kind: 'agreed',
    description: {
      name: 'routerd-oci',
      release: '0.1.0',
      version: VERSION,
      requests: ['ExecuteActionRequest', 'ObserveNicRequest', 'DescribeRequest', 'CheckRequest'],
      storesEpoch: true,
    },
  });
});

test('an executor that does not know the question is used as it was before there was one', () => {
  const invalid = { status: 'failed', error: { class: 'invalid', message: 'unknown kind' } };
  expect(negotiated(answer('ExecuteActionResult', invalid))).toEqual({ kind: 'agreed', description: PLAIN });
});

test('without a common version there is no agreement', () => {
  const none = { status: 'failed', error: { class: 'invalid', number: 504, message: 'this executor speaks v2' } };
  expect(negotiated(answer('DescribeResult', none))).toEqual({
    kind: 'incompatible',
    detail: 'this executor speaks v2',
  });
  expect(negotiated(answer('DescribeResult', { ...described, version: 'other/v9' }))).toMatchObject({
    kind: 'incompatible',
  });
});

test('offers what it speaks', () => {
  expect(JSON.parse(describeLine('describe'))).toMatchObject({
    kind: 'DescribeRequest',
    spec: { versions: [VERSION] },
  });
});

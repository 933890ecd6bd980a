#!/usr/bin/env node
/** An executor that says secrets wherever it can: on stderr, in errors, in results, and when it crashes. The secrets are in its environment. */
import { createInterface } from 'node:readline';

const { LEAK_ACCESS_KEY: key = '', LEAK_TOKEN: token = '', LEAK_JWT: jwt = '', LEAK_PEM: pem = '' } = process.env;
const API_VERSION = 'provideraction.routerd.net/v1alpha1';
process.stderr.write(`{"AccessKeyId":"AKIAEXAMPLE","SecretAccessKey":"${key}","Token":"${token}"}\n`);
process.stderr.write(`Authorization: Bearer ${jwt}\n${pem}\n`);

const failed = (id, message) => ({
  apiVersion: API_VERSION,
  kind: 'ExecuteActionResult',
  id,
  status: { status: 'failed', error: { class: 'permission', message } },
});

for await (const line of createInterface({ input: process.stdin })) {
  const { id, kind, spec } = JSON.parse(line);
  process.stderr.write(`GET http://169.254.169.254/latest/meta-data -> {"Token" : "${token}"}\n`);
  const answer = (message) => process.stdout.write(`${JSON.stringify(failed(id, message))}\n`);
  if (kind === 'ObserveNicRequest') {
    const nic = { addresses: [], forwarding: false };
    const observed = { apiVersion: API_VERSION, kind: 'ObserveNicResult', id, status: { status: 'completed', nic } };
    process.stdout.write(`${JSON.stringify(observed)}\n`);
  } else if (kind !== 'ExecuteActionRequest') {
    const error = { class: 'invalid', message: `${kind} is not known; token=${token}` };
    const refused = { apiVersion: API_VERSION, kind: 'ExecuteActionResult', id, status: { status: 'failed', error } };
    process.stdout.write(`${JSON.stringify(refused)}\n`);
  } else if (spec.addresses[0].address === '10.77.60.10/32') {
    answer(`403 for Authorization: Bearer ${jwt} (X-Amz-Security-Token=${token}) secret_access_key: ${key}`);
  } else if (spec.addresses[0].address === '10.77.60.11/32') {
    const results = spec.addresses.map(({ address }) => ({
      address,
      status: 'succeeded',
      message: `done with token=${token}`,
    }));
    const observed = { response: `{"SecretAccessKey":"${key}"}`, sessionToken: token };
    const status = { status: 'completed', results, observed };
    process.stdout.write(`${JSON.stringify({ apiVersion: API_VERSION, kind: 'ExecuteActionResult', id, status })}\n`);
  } else {
    process.stderr.write(`fatal: password=${key} ${pem}\n`);
    process.exit(3);
  }
}

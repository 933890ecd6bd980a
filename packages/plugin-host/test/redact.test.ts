import { expect, test } from 'vitest';
import { redact } from '../src/index.ts';

test.each([
  ['AWS_SECRET_ACCESS_KEY=wJalr/K7MDENG', 'AWS_SECRET_ACCESS_KEY=[redacted]'],
  [
    '{"SecretAccessKey":"wJalr","Token":"IQoJ","Code":"Success"}',
    '{"SecretAccessKey":[redacted],"Token":[redacted],"Code":"Success"}',
  ],
  ["{ clientSecret: 'abc', region: 'x' }", "{ clientSecret: [redacted], region: 'x' }"],
  ['authorization: Bearer abcdef1234567890', 'authorization: Bearer [redacted]'],
  ['keyId="ST$eyJhbGciOi.eyJzdWIi.c2ln"', 'keyId="ST$[redacted]"'],
  ['private_key: abc', 'private_key: [redacted]'],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\ndone', '[redacted]\ndone'],
  ['A1b2'.repeat(16), '[redacted]'],
  ['ExpiredToken: The security token is too old', 'ExpiredToken: The security token is too old'],
  ['10.77.60.10 is held by eni-0b', '10.77.60.10 is held by eni-0b'],
])('%j is shown as %j', (text, shown) => {
  expect(redact(text)).toBe(shown);
});

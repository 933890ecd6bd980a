import { expect, test } from 'vitest';
import { redact } from '../src/index.ts';
import { redactValues, shownMessage } from '../src/redact.ts';

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
  ['{"Token":"IQo\\"J3","Code":"Success"}', '{"Token":[redacted],"Code":"Success"}'],
  [String.raw`{"body":"{\"Token\":\"IQoJ3\",\"Code\":1}"}`, String.raw`{"body":"{\"Token\":[redacted],\"Code\":1}"}`],
  ['https://h.example/q?sv=1&sig=ab%3D, design: none', 'https://h.example/q?sv=1&sig=[redacted], design: none'],
  ['proxy http://user:pa55@proxy.example:3128/ is closed', 'proxy http://[redacted]@proxy.example:3128/ is closed'],
  ['url=https://h.example/?token=abc', 'url=https://h.example/?token=[redacted]'],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\ndone', '[redacted]\ndone'],
  ['A1b2'.repeat(16), '[redacted]'],
  ['ExpiredToken: The security token is too old', 'ExpiredToken: The security token is too old'],
  ['10.77.60.10 is held by eni-0b', '10.77.60.10 is held by eni-0b'],
])('%j is shown as %j', (text, shown) => {
  expect(redact(text)).toBe(shown);
});

test.each(['token.', 'eyJ-', 'a', 'token ', 'secret="', '-----BEGIN ', '\\', "'", 'Bearer ', '://a:'])(
  'a million letters of %j do not hold the daemon up',
  (part) => {
    const text = part.repeat(Math.ceil(1_000_000 / part.length));
    expect(redact(text).length).toBeGreaterThan(0); // minutes, not milliseconds, if a pattern looked back again and again
  },
);

test('a message is as long as the protocol lets it be, and a secret at its end is none of it', () => {
  expect(shownMessage('short')).toBe('short');
  expect(shownMessage('x '.repeat(2_500_000))).toHaveLength(2000);
  const planted = shownMessage(`${'x '.repeat(980)} token=${'s3cret'.repeat(3000)}`);
  expect(planted).not.toContain('s3cret');
});

test('of what a plugin observed so much is kept, without secrets in keys or values', () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 'x '.repeat(5000)]));
  const kept = Object.entries(redactValues(many));
  expect(kept).toHaveLength(1024);
  expect(Math.max(...kept.map(([, value]) => value.length))).toBe(2000);
  expect(
    JSON.stringify(redactValues({ 'note password=hunter2': 'x', [`${'y'.repeat(50)}token`]: 'hunter2' })),
  ).not.toContain('hunter2');
});

/** What the metadata service says of this machine beyond credentials, which the SDK fetches itself: IMDSv2, a token first. */

const ROOT = 'http://169.254.169.254/latest';
const LIMIT_MS = 1500;

/** @returns the machine's type, `c6i.large` */
export async function readInstanceType(): Promise<string> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
  const token = await textOf(await fetch(`${ROOT}/api/token`, { method: 'PUT', headers: ttl, signal }));
  const headers = { 'x-aws-ec2-metadata-token': token };
  return textOf(await fetch(`${ROOT}/meta-data/instance-type`, { headers, signal }));
}

async function textOf(reply: Response): Promise<string> {
  if (!reply.ok) throw new Error(`the metadata service answers ${reply.status}`);
  return reply.text();
}

/** What help says of a command: one sentence, more where it is needed, and lines that work when they are pasted. */
export function documented(
  brief: string,
  examples: readonly string[],
  details = `${brief}.`,
): { readonly brief: string; readonly fullDescription: string } {
  const lines = examples.map((example) => `  ${example}`);
  return { brief, fullDescription: [details, '', 'EXAMPLES', ...lines].join('\n') };
}

/** What an op comes to on Linux, to the letter: programs with their arguments and input, lines of a batch, files. Values only. */

export type HostExecution =
  /** A program, without a shell. */
  | {
      readonly kind: 'run';
      readonly argv: readonly string[];
      /** Standard input. */
      readonly input?: string;
      /** The file that is standard input instead: a secret that nobody here reads. */
      readonly inputFile?: string;
      /** What must be so for it to be run; it always is without. */
      readonly onlyIf?: string;
    }
  /** A line to `ip -force -batch -`, in which neighbouring ops go together. */
  | { readonly kind: 'ip-batch'; readonly line: string }
  /** A file that is written or made with this content; with `mode` it is replaced as a whole. */
  | {
      readonly kind: 'write';
      readonly file: string;
      readonly content: string;
      /** Octal. */
      readonly mode?: string;
      /** Of the content, `sha256:` and hexadecimal digits. */
      readonly digest?: string;
      readonly onlyIf?: string;
    }
  /** A secret of which nothing but its place is known: the output of a program goes into a file. */
  | {
      readonly kind: 'make-key';
      readonly file: string;
      readonly mode: string;
      readonly argv: readonly string[];
      readonly onlyIf: string;
    }
  | { readonly kind: 'delete-file'; readonly file: string };

/** One line or more, as a person would read them; input and content are indented below. */
export function executionLines(execution: HostExecution): readonly string[] {
  switch (execution.kind) {
    case 'run': {
      const { argv, input, inputFile, onlyIf } = execution;
      const from = inputFile === undefined ? '' : ` < ${quoted(inputFile)}`;
      return [`run ${argv.map(quoted).join(' ')}${from}${condition(onlyIf)}`, ...indented(input)];
    }
    case 'ip-batch':
      return [`ip -batch: ${execution.line}`];
    case 'write': {
      const { file, content, mode, digest, onlyIf } = execution;
      const kind = [mode === undefined ? [] : [`mode ${mode}`], digest === undefined ? [] : [digest]].flat();
      const head = `write ${file}${kind.length === 0 ? '' : ` (${kind.join(', ')})`}${condition(onlyIf)}`;
      return digest === undefined ? [`${head}: ${content.trim()}`] : [head, ...indented(content)];
    }
    case 'make-key': {
      const { file, mode, argv, onlyIf } = execution;
      return [`run ${argv.join(' ')} > ${file} (mode ${mode})${condition(onlyIf)}`];
    }
    case 'delete-file':
      return [`delete ${execution.file}`];
  }
}

function condition(onlyIf: string | undefined): string {
  return onlyIf === undefined ? '' : ` # if ${onlyIf}`;
}

function indented(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `  | ${line}`);
}

/** As a shell would take it; for reading, since nothing here goes through a shell. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * Faults drawn from the source: a syntax tree offers every small change that leaves code which parses, and a seed picks
 * some of them, each as likely as any other. Types, comments and the texts of errors are left as they are.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { RandomState } from 'bptt/tensor';
import {
  type BinaryExpression,
  isBinaryExpression,
  isBreakStatement,
  isCallExpression,
  isConditionalExpression,
  isContinueStatement,
  isDoStatement,
  isElementAccessExpression,
  isExportDeclaration,
  isExpressionStatement,
  isForStatement,
  isIdentifier,
  isIfStatement,
  isImportDeclaration,
  isInterfaceDeclaration,
  isNewExpression,
  isNumericLiteral,
  isPrefixUnaryExpression,
  isPropertyAccessExpression,
  isReturnStatement,
  isTemplateExpression,
  isThrowStatement,
  isTypeAliasDeclaration,
  isTypeNode,
  isWhileStatement,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { API, type Checker, type Project, type Type, TypeFlags } from 'typescript/unstable/sync';

export type DrawnKind =
  | 'arithmetic'
  | 'comparison'
  | 'logic'
  | 'constant'
  | 'index'
  | 'condition'
  | 'dropped statement'
  | 'swapped arguments';

/** A small change of the source: `before`, which begins at `start`, becomes `after`. */
export interface DrawnFault {
  /** From the folder of the sources. */
  file: string;
  kind: DrawnKind;
  start: number;
  /** Of `start`, both counted from 1. */
  line: number;
  column: number;
  before: string;
  after: string;
}

/** What names a fault as long as the source is not changed. */
export function idOf({ file, line, column, kind, before, after }: DrawnFault): string {
  const oneLine = (code: string) => code.replace(/\s+/g, ' ');
  return `${file}:${line}:${column} ${kind}: ${oneLine(before)} → ${oneLine(after)}`;
}

/** `source` with the fault in it. */
export function withFault(source: string, { start, before, after }: DrawnFault): string {
  return source.slice(0, start) + after + source.slice(start + before.length);
}

/** `count` of the candidates, or all where there are fewer, without repetition and each as likely as any other. */
export function drawFaults(candidates: readonly DrawnFault[], count: number, seed: number): DrawnFault[] {
  const random = new RandomState(seed);
  const rest = [...candidates];
  return Array.from({ length: Math.min(count, rest.length) }, () => {
    const [drawn] = rest.splice(random.randint(rest.length), 1);
    return drawn!;
  });
}

export interface Sources {
  /** The files of the project that lie in the folder of the sources, from there, in order. */
  files: readonly string[];
  /** The text of a file, without any fault. */
  textOf(file: string): string;
  /** Every fault that can be drawn in a file, in the order of the text. */
  candidatesIn(file: string): DrawnFault[];
  /** What the compiler says against a fault in the file where it is planted, if anything. */
  refusalOf(fault: DrawnFault): string | undefined;
  close(): void;
}

/** Opens the files of a TypeScript project for drawing. */
export function openSources(config: string, folder: string): Sources {
  const inFolder = (path: string) => relative(folder, path).split(sep).join('/');
  const pathOf = (file: string) => join(folder, file).split(sep).join('/');
  const textOf = (file: string) => readFileSync(pathOf(file), 'utf8');
  let planted: { path: string; text: string } | undefined;
  const api = new API({
    cwd: dirname(resolve(config)),
    fs: { readFile: (path) => (path === planted?.path ? planted.text : undefined) },
  });
  const opened = api.updateSnapshot({ openProjects: [resolve(config)] }).getProjects()[0];
  if (!opened) throw new Error(`openSources: no project in ${config}`);
  let project: Project = opened;
  const look = (path: string) => {
    project = api.updateSnapshot({ fileChanges: { changed: [path] } }).getProjects()[0]!;
  };
  return {
    files: project.program
      .getSourceFileNames()
      .map(inFolder)
      .filter((file) => !file.startsWith('..') && !file.endsWith('.d.ts'))
      .sort(),
    textOf,
    candidatesIn(file) {
      const tree = project.program.getSourceFile(pathOf(file));
      if (!tree) throw new Error(`candidatesIn: ${file} is no source of the project`);
      return candidatesOf(file, textOf(file), tree, project.checker);
    },
    refusalOf(fault) {
      const path = pathOf(fault.file);
      planted = { path, text: withFault(textOf(fault.file), fault) };
      look(path);
      const [syntactic] = project.program.getSyntacticDiagnostics(path);
      const [semantic] = project.program.getSemanticDiagnostics(path);
      planted = undefined;
      look(path);
      return (syntactic ?? semantic)?.text;
    },
    close: () => api.close(),
  };
}

const ARITHMETIC: Readonly<Record<string, readonly string[]>> = {
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '+=': ['-=', '='],
  '-=': ['+=', '='],
  '*=': ['/=', '='],
  '/=': ['*=', '='],
  '|=': ['&=', '='],
  '&=': ['|=', '='],
};

const COMPARISON: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
};

const LOGIC: Readonly<Record<string, readonly string[]>> = { '&&': ['||'], '||': ['&&'], '??': ['||'] };

/** Calls of two arguments that may change places. */
const COMMUTATIVE = /^(add|mul|max|min|imul|hypot)$/;

/** Calls whose texts, like those of errors, are only read by people. */
const TELLS = /^(assert|fail|refuse|error|problem)/;

/** `a + 1` needs no parentheses around these operations. */
const TIGHT = new Set(['+', '-', '*', '/', '%', '**']);

function candidatesOf(file: string, text: string, tree: Node, checker: Checker): DrawnFault[] {
  const faults: DrawnFault[] = [];
  const lines = lineStarts(text);

  function offer(kind: DrawnKind, node: { getStart(): number; end: number }, after: string): void {
    const start = node.getStart();
    const line = lines.findLastIndex((begin) => begin <= start);
    const before = text.slice(start, node.end);
    faults.push({ file, kind, start, line: line + 1, column: start - lines[line]! + 1, before, after });
  }

  function visit(node: Node): void {
    if (isLeftAlone(node)) return;
    if (isBinaryExpression(node)) offerOperators(node);
    else if (isPrefixUnaryExpression(node)) {
      if (node.operator === SyntaxKind.MinusToken) offer('arithmetic', node, node.operand.getText());
      if (node.operator === SyntaxKind.ExclamationToken) offer('condition', node, node.operand.getText());
    } else if (node.kind === SyntaxKind.TrueKeyword) offer('condition', node, 'false');
    else if (node.kind === SyntaxKind.FalseKeyword) offer('condition', node, 'true');
    else if (isNumericLiteral(node)) {
      for (const value of neighbours(Number(node.getText().replaceAll('_', '')))) {
        offer(isIndex(node) ? 'index' : 'constant', node, String(value));
      }
    } else if (isElementAccessExpression(node) && !isNumericLiteral(node.argumentExpression)) {
      if (isNumber(node.argumentExpression) && !endsInConstant(node.argumentExpression)) {
        const index = enclosed(node.argumentExpression);
        for (const step of ['+ 1', '- 1']) offer('index', node.argumentExpression, `${index} ${step}`);
      }
    } else if (isCallExpression(node) || isNewExpression(node))
      offerSwaps(nameOf(node.expression), node.arguments ?? []);
    const condition = conditionOf(node);
    if (condition && isNegatedHere(condition)) offer('condition', condition, `!(${condition.getText()})`);
    if (canBeDropped(node)) offer('dropped statement', node, '{}');
    node.forEachChild((child) => {
      if (!isTextToTell(node, child)) visit(child);
    });
  }

  function offerOperators(node: BinaryExpression): void {
    const operator = node.operatorToken.getText();
    for (const after of ARITHMETIC[operator] ?? []) {
      // A loop whose counter turns round never ends.
      const endless = isForStatement(node.parent) && node.parent.incrementor === node;
      if (!endless && isNumber(node)) offer('arithmetic', node.operatorToken, after);
    }
    for (const after of COMPARISON[operator] ?? []) offer('comparison', node.operatorToken, after);
    const mixed = [node.left, node.right, node.parent].some(
      (one) => operator === '??' && isBinaryExpression(one) && one.operatorToken.getText() === '??',
    );
    for (const after of mixed ? [] : (LOGIC[operator] ?? [])) offer('logic', node.operatorToken, after);
  }

  function offerSwaps(callee: string, given: readonly Node[]): void {
    if (given.length === 2 && COMMUTATIVE.test(callee)) return;
    for (const [i, second] of given.entries()) {
      const first = given[i - 1];
      if (!first || first.getText() === second.getText()) continue;
      const type = typeName(first);
      if (type === undefined || type === 'string' || type !== typeName(second)) continue;
      const between = text.slice(first.end, second.getStart());
      offer(
        'swapped arguments',
        { getStart: () => first.getStart(), end: second.end },
        second.getText() + between + first.getText(),
      );
    }
  }

  function typeName(node: Node): string | undefined {
    if (node.kind === SyntaxKind.SpreadElement) return undefined;
    const type = typeOf(node);
    return type && checker.typeToString(checker.getBaseTypeOfLiteralType(type) ?? type);
  }

  function isNumber(node: Node): boolean {
    return ((typeOf(node)?.flags ?? 0) & (TypeFlags.NumberLike | TypeFlags.BigIntLike)) !== 0;
  }

  function typeOf(node: Node): Type | undefined {
    try {
      return checker.getTypeAtLocation(node);
    } catch (error) {
      // TypeScript 7.0 cannot say the type of a tuple through this interface.
      if (String(error).includes('TupleType')) return undefined;
      throw error;
    }
  }

  visit(tree);
  return faults.sort((a, b) => a.start - b.start || a.before.length - b.before.length);
}

function lineStarts(text: string): number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
}

/** Types, imports, and the making of an error. */
function isLeftAlone(node: Node): boolean {
  return (
    isTypeNode(node) ||
    isInterfaceDeclaration(node) ||
    isTypeAliasDeclaration(node) ||
    isImportDeclaration(node) ||
    isExportDeclaration(node) ||
    (isNewExpression(node) && nameOf(node.expression).endsWith('Error'))
  );
}

/** What is thrown, and a text that is put together for somebody to read. */
function isTextToTell(node: Node, child: Node): boolean {
  if (isThrowStatement(node)) return true;
  return isCallExpression(node) && isTemplateExpression(child) && TELLS.test(nameOf(node.expression));
}

function nameOf(callee: Node): string {
  if (isPropertyAccessExpression(callee)) return callee.name.getText();
  return isIdentifier(callee) ? callee.getText() : '';
}

function isIndex(node: Node): boolean {
  return isElementAccessExpression(node.parent) && node.parent.argumentExpression === node;
}

/** The numbers beside a constant: 0 and 2 of 1, but of 0 only 1, and none where adding one is lost. */
function neighbours(value: number): number[] {
  const beside = Number.isInteger(value) && value > 0 ? [value - 1, value + 1] : [value + 1];
  return beside.filter((other) => other !== value);
}

/** The index `i + 1` has the neighbours of its constant. */
function endsInConstant(index: Node): boolean {
  return isBinaryExpression(index) && /^[+-]$/.test(index.operatorToken.getText()) && isNumericLiteral(index.right);
}

function enclosed(node: Node): string {
  const operated = isBinaryExpression(node) && !TIGHT.has(node.operatorToken.getText());
  return operated || isConditionalExpression(node) ? `(${node.getText()})` : node.getText();
}

function conditionOf(node: Node): Node | undefined {
  if (isIfStatement(node) || isWhileStatement(node) || isDoStatement(node)) return node.expression;
  if (isForStatement(node) || isConditionalExpression(node)) return node.condition;
  return undefined;
}

/** A comparison, a negation and a constant have their opposites as faults of their own. */
function isNegatedHere(condition: Node): boolean {
  if (condition.kind === SyntaxKind.TrueKeyword || condition.kind === SyntaxKind.FalseKeyword) return false;
  if (isPrefixUnaryExpression(condition)) return condition.operator !== SyntaxKind.ExclamationToken;
  return !isBinaryExpression(condition) || !(condition.operatorToken.getText() in COMPARISON);
}

function canBeDropped(node: Node): boolean {
  if (isExpressionStatement(node)) {
    return !(isCallExpression(node.expression) && node.expression.expression.kind === SyntaxKind.SuperKeyword);
  }
  const leaves = isThrowStatement(node) || isBreakStatement(node) || isContinueStatement(node);
  return leaves || (isReturnStatement(node) && !node.expression);
}

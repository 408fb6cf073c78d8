/**
 * A lint plugin whose findings are mutants: small changes of a source that some test should notice.
 *
 * It is a lint plugin because `deno lint` is the parser that is at hand: any other would be one more
 * package in the lockfile. Each finding's message is an `Edit` as JSON, because `deno lint --json`
 * prints messages and no fixes.
 *
 * @module
 */

/** A change of a source. */
export interface Edit {
  /** The kind of mistake that the change imitates. */
  readonly kind: string;
  /** Where it begins, in UTF-16 units. */
  readonly start: number;
  /** Where it ends: the index of the first unit that stays. */
  readonly end: number;
  /** What stands there instead. */
  readonly text: string;
}

/** Operators that are easily confused, each with the other one and the kind of mistake. */
const confused: Readonly<Record<string, readonly [other: string, kind: string]>> = {
  "<": ["<=", "boundary"],
  "<=": ["<", "boundary"],
  ">": [">=", "boundary"],
  ">=": [">", "boundary"],
  "===": ["!==", "condition"],
  "!==": ["===", "condition"],
  "+": ["-", "arithmetic"],
  "-": ["+", "arithmetic"],
  "+=": ["-=", "arithmetic"],
  "-=": ["+=", "arithmetic"],
};

/** Lines with numbers that only tune: tests take times, rates and limits by their names. */
const tuning =
  /\w*(Ms|Seconds?|Minutes?|Hours?|Days?|Max|Min|min|max|burst|Share|[sS]ize)\??(: \w+)? ?[=:] /;

/** Numbers from here on are sizes or times that only tune, or parts of a hash function. */
const tuningMin = 1000;

/** Calls whose removal no test has to notice: assertions, logs, a hint to the event loop. */
const idle = /^(assert|debug|error|log|warn|unref)$/;

/** Calls, and last arguments, that are likely to compile without the last argument. */
const elastic = /^(slice|subarray|indexOf|join|flat)$/;
const optional = /([Oo]ptions|[Ss]ignal)$/;

/** The last name of `name`, `a.name` or `a.#name`; the empty string where there is none. */
function nameOf(node: Deno.lint.Node): string {
  if (node.type === "Identifier" || node.type === "PrivateIdentifier") return node.name;
  return node.type === "MemberExpression" ? nameOf(node.property) : "";
}

/** Whether an expression is visibly a text, which knows `+` and no `-`. */
function isText(node: Deno.lint.Node): boolean {
  if (node.type === "BinaryExpression") return isText(node.left) || isText(node.right);
  return node.type === "TemplateLiteral" ||
    node.type === "Literal" && typeof node.value === "string";
}

/** Whether a function answers with the promise anyway, and nothing in it hears of the result before. */
function isPassedOn(awaiting: Deno.lint.AwaitExpression): boolean {
  const { parent } = awaiting;
  if (parent.type !== "ReturnStatement") return parent.type === "ArrowFunctionExpression";
  for (let node: Deno.lint.Node = parent; node.type !== "Program"; node = node.parent) {
    if (node.type.includes("Function")) return true;
    if (/^Try/.test(node.type)) return false;
    if (node.type === "BlockStatement" && node.body.some(isUsing)) return false;
  }
  return true;
}

/** Whether a statement declares what is disposed of when its block ends. */
function isUsing(node: Deno.lint.Statement): boolean {
  return node.type === "VariableDeclaration" && node.kind.endsWith("using");
}

/** Reports the mutants of one file. */
function create(context: Deno.lint.RuleContext) {
  const source = context.sourceCode.text;
  const add = (kind: string, [start, end]: Deno.lint.Range, text: string) => {
    const edit: Edit = { kind, start, end, text };
    context.report({ range: [start, end], message: JSON.stringify(edit) });
  };
  /** The source of an expression, fit to replace one that binds more tightly. */
  const textOf = ({ type, range }: Deno.lint.Node) =>
    /^(Logical|Conditional|Assignment|ArrowFunction)Exp/.test(type)
      ? `(${source.slice(...range)})`
      : source.slice(...range);
  const confuse = (
    { left, operator, right }: { left: Deno.lint.Node; operator: string; right: Deno.lint.Node },
  ) => {
    const [other, kind] = confused[operator] ?? [];
    if (other === undefined || kind === undefined) return;
    if (kind === "arithmetic" && (isText(left) || isText(right))) return;
    const start = source.indexOf(operator, left.range[1]);
    add(kind, [start, start + operator.length], other);
  };
  const negate = ({ test }: { test: Deno.lint.Expression }) => {
    const isNegation = test.type === "UnaryExpression" && test.operator === "!";
    add("condition", test.range, isNegation ? textOf(test.argument) : `!(${textOf(test)})`);
  };
  /** Drops the `return`, `throw`, `continue` or `break` with which an `if` ends. */
  const dropGuarded = (node: Deno.lint.Statement) => {
    const { parent } = node;
    const isLast = parent.type === "BlockStatement" && parent.body.at(-1) === node;
    const guard = isLast ? parent.parent : parent;
    if (guard.type === "IfStatement") add("guard", node.range, ";");
  };
  return {
    BinaryExpression(node) {
      // Where an equality is a whole condition, `negate` makes the same mistake.
      const isCondition = "test" in node.parent && node.parent.test === node;
      if (!isCondition || !node.operator.endsWith("==")) confuse(node);
    },
    AssignmentExpression: confuse,
    IfStatement: negate,
    WhileStatement(node) {
      if (node.test.type !== "Literal") negate(node);
    },
    ConditionalExpression: negate,
    LogicalExpression(node) {
      add(node.operator === "??" ? "default" : "operand", node.range, textOf(node.right));
      if (node.operator !== "??") add("operand", node.range, textOf(node.left));
    },
    Literal(node) {
      const { parent, range: [start, end], value } = node;
      if (parent.type.startsWith("TS") || "key" in parent && parent.key === node) return;
      if (typeof value === "boolean") add("boolean", node.range, String(!value));
      if (typeof value !== "number" || !Number.isInteger(value) || value >= tuningMin) return;
      const line = source.slice(source.lastIndexOf("\n", start) + 1, start);
      if (tuning.test(line) || /^0[xo]/.test(source.slice(start, end))) return;
      add("number", node.range, String(value + 1));
      if (value > 0) add("number", node.range, String(value - 1));
    },
    MemberExpression(node) {
      const isRead = /^(Binary|Call)Expression$/.test(node.parent.type);
      if (!isRead || !/^(length|size)$/.test(nameOf(node))) return;
      add("length", node.range, `(${source.slice(...node.range)} - 1)`);
    },
    AwaitExpression(node) {
      if (!isPassedOn(node)) add("await", node.range, textOf(node.argument));
    },
    ExpressionStatement({ expression, range }) {
      let call = expression.type === "AwaitExpression" ? expression.argument : expression;
      if (call.type === "ChainExpression") call = call.expression;
      if (call.type !== "CallExpression" || call.callee.type === "Super") return;
      if (!idle.test(nameOf(call.callee))) add("call", range, ";");
    },
    ReturnStatement: dropGuarded,
    ThrowStatement: dropGuarded,
    ContinueStatement: dropGuarded,
    BreakStatement: dropGuarded,
    CallExpression({ callee, arguments: given }) {
      const name = source.slice(...callee.range);
      if (name === "Math.min" || name === "Math.max") {
        add("extreme", callee.range, name === "Math.min" ? "Math.max" : "Math.min");
      }
      const last = given.at(-1);
      if (last === undefined) return;
      const start = given.at(-2)?.range[1] ?? last.range[0];
      const isOptional = elastic.test(nameOf(callee)) || last.type === "ObjectExpression" ||
        optional.test(nameOf(last));
      if (isOptional) add("argument", [start, last.range[1]], "");
    },
  } satisfies Deno.lint.LintVisitor;
}

/** The plugin as a linter's configuration names it. */
const plugin: Deno.lint.Plugin = { name: "mutate", rules: { mutants: { create } } };

export default plugin;

/**
 * The schemas of docs/cli/, as tests use them: what a command prints is checked against its schema, and what a
 * schema says against what was printed.
 *
 * To scripts a schema leaves room for fields that later versions add. Tests close it: a field that no schema
 * describes is a mistake there.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";

/** A schema, or a part of one, as far as the tests look into it. */
export interface Schema {
  readonly title?: string;
  readonly description?: string;
  readonly $ref?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const folder = new URL("../docs/cli/", import.meta.url);

/** The file that the others refer to; no command prints what it describes by itself. */
export const definitions = "definitions";

/** The schemas by the names of their files, without the ending. */
export const schemas: ReadonlyMap<string, Schema> = new Map(
  Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -5))
    .sort()
    .map((name) => [name, JSON.parse(Deno.readTextFileSync(new URL(`${name}.json`, folder)))]),
);

/** A copy of a schema in which no object has a field that is not described. */
export function closed<T>(part: T): T {
  if (Array.isArray(part)) return part.map(closed) as T;
  if (part === null || typeof part !== "object") return part;
  const copy = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, closed(value)]));
  const isObject = copy["type"] === "object" && copy["properties"] !== undefined;
  return (isObject ? { ...copy, additionalProperties: false } : copy) as T;
}

/** Takes schemas as the tests want them; refuses keywords that are misspelt. */
function validator(close: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    // A pattern beside it says how times are written.
    formats: { "date-time": true },
  });
  for (const [name, schema] of schemas) {
    ajv.addSchema(close ? closed(schema) : schema, `${name}.json`);
  }
  return ajv;
}

const asTold = validator(false);
const asTested = validator(true);

/** The name of the schema of a command, from the words of its command line. */
export function schemaOf([command = "", below = ""]: readonly string[]): string {
  const both = `${command}-${below}`;
  return schemas.has(both) ? both : command;
}

/** What is wrong with a document that a command printed; undefined where nothing is. */
function problemOf(ajv: Ajv2020, name: string, document: unknown): string | undefined {
  const validate = ajv.getSchema(`${name}.json`);
  if (validate === undefined) throw new Error(`There is no docs/cli/${name}.json`);
  if (validate(document)) return undefined;
  return ajv.errorsText(validate.errors, { dataVar: name });
}

/** What is wrong with a document for a script that goes by the schema; undefined where nothing is. */
export function problemForScripts(name: string, document: unknown): string | undefined {
  return problemOf(asTold, name, document);
}

/** Checks a document that a command printed: it has all that its schema promises, and nothing else. */
export function checkPrinted(name: string, document: unknown): void {
  const problem = problemOf(asTested, name, document);
  assert.equal(problem, undefined, `${problem}: ${JSON.stringify(document)}`);
}

/** What a reference in a schema names, and the place where that stands. */
function resolved(file: string, ref: string): { readonly at: string; readonly schema: Schema } {
  const [path = "", pointer = ""] = ref.split("#");
  const name = path === "" ? file : path.replace(/\.json$/, "");
  let schema: unknown = schemas.get(name);
  for (const key of pointer.split("/").slice(1)) schema = (schema as Record<string, unknown>)[key];
  return { at: `${name}#${pointer}`, schema: schema as Schema };
}

/** Which fields of the schemas were printed, and which of them were left out somewhere. */
export class FieldsSeen {
  readonly #there = new Set<string>();
  readonly #missing = new Set<string>();
  readonly #all = new Map<string, { readonly isOptional: boolean }>();

  /** Takes a document that a command printed. */
  take(name: string, document: unknown): void {
    this.#visit(`${name}#`, resolved(name, "#").schema, document);
  }

  #visit(at: string, schema: Schema, value: unknown): void {
    const [file = ""] = at.split("#");
    if (schema.$ref !== undefined) {
      const target = resolved(file, schema.$ref);
      return this.#visit(target.at, target.schema, value);
    }
    for (const branch of [...schema.anyOf ?? [], ...schema.oneOf ?? []]) {
      const { at: place, schema: target } = branch.$ref === undefined
        ? { at, schema: branch }
        : resolved(file, branch.$ref);
      const event = target.properties?.["event"]?.const;
      if (event === undefined || event === (value as { event?: unknown }).event) {
        this.#visit(place, target, value);
      }
    }
    if (Array.isArray(value)) {
      for (const item of value) this.#visit(`${at}/items`, schema.items ?? {}, item);
    } else if (typeof value === "object" && value !== null) {
      for (const [key, property] of Object.entries(schema.properties ?? {})) {
        const place = `${at}/${key}`;
        this.#all.set(place, { isOptional: !schema.required?.includes(key) });
        if (!(key in value)) this.#missing.add(place);
        else {
          this.#there.add(place);
          this.#visit(place, property, value[key as keyof typeof value]);
        }
      }
    }
  }

  /** Fields that are described and never printed, and fields that are called optional and always printed. */
  unproved(): string[] {
    return [...this.#all].flatMap(([place, { isOptional }]) => {
      if (!this.#there.has(place)) return [`${place} is never printed`];
      return isOptional && !this.#missing.has(place) ? [`${place} is never left out`] : [];
    });
  }
}

/**
 * What is in a release, as a bill of materials: CycloneDX 1.6, JSON
 * (https://cyclonedx.org/docs/1.6/json/).
 *
 * It has no time and no random number, so the same commit has the same bill.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { LockedPackage } from "../packages.ts";

/** A package with what its package.json says of its licence. */
export interface LicensedPackage extends LockedPackage {
  /** An SPDX identifier or expression, such as `MIT AND MPL-2.0`; undefined if package.json has none. */
  readonly license: string | undefined;
}

/** What the bill is of. */
export interface SbomSubject {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** The version of Deno inside. */
  readonly deno: string;
}

/** The address of a package in all registries' words (https://github.com/package-url/purl-spec). */
export function packageUrl(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** The hash of an npm archive, from Base64 to the form that CycloneDX has. */
function hashOf(integrity: string): { alg: string; content: string } {
  const dash = integrity.indexOf("-");
  const algorithm = integrity.slice(0, dash).replace(/^sha/, "SHA-");
  return {
    alg: algorithm,
    content: Buffer.from(integrity.slice(dash + 1), "base64").toString("hex"),
  };
}

/** A licence as CycloneDX has it: identifiers and expressions of them differ. */
function licence(text: string): Record<string, unknown> {
  return /[ ()]/.test(text) ? { expression: text } : { license: { id: text } };
}

/** A package as a component. */
function component(each: LicensedPackage): Record<string, unknown> {
  const url = packageUrl(each.name, each.version);
  return {
    type: "library",
    "bom-ref": url,
    name: each.name,
    version: each.version,
    purl: url,
    hashes: [hashOf(each.integrity)],
    ...(each.license === undefined ? {} : { licenses: [licence(each.license)] }),
  };
}

/** The bill of materials of the program with its packages. */
export function makeSbom(
  subject: SbomSubject,
  packages: readonly LicensedPackage[],
): Record<string, unknown> {
  const self = packageUrl(subject.name, subject.version);
  const deno = packageUrl("deno", subject.deno);
  const urls = new Map(packages.map(({ name, version }) => [name, packageUrl(name, version)]));
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": self,
        name: subject.name,
        version: subject.version,
        purl: self,
        licenses: [{ license: { id: subject.license } }],
      },
    },
    components: [
      {
        type: "platform",
        "bom-ref": deno,
        name: "deno",
        version: subject.deno,
        purl: deno,
        licenses: [{ license: { id: "MIT" } }],
      },
      ...packages.map(component),
    ],
    dependencies: [
      { ref: self, dependsOn: [deno, ...urls.values()] },
      ...packages.map(({ name, dependencies }) => ({
        ref: urls.get(name),
        dependsOn: dependencies.flatMap((each) => urls.get(each) ?? []),
      })),
    ],
  };
}

import { expect, test } from "vitest";
import { lackingOptions, parseTerms } from "#regcheck/sweep/plan-terms.js";
import type { PlanTerms } from "#regcheck/sweep/plan-terms.js";

const LEAST: PlanTerms = {
  deleteUntagged: false,
  dropDanglingTags: false,
  purgeUploads: false,
  pruneEmpty: false,
  grace: 3600,
  uploadsOlderThan: 604_800,
  repository: undefined,
};

test.each<[Partial<PlanTerms>, Partial<PlanTerms>, readonly string[]]>([
  [{}, {}, []],
  [{ deleteUntagged: true, pruneEmpty: true }, { deleteUntagged: true }, ["--prune-empty"]],
  [{ dropDanglingTags: true, purgeUploads: true }, {}, ["--drop-dangling-tags", "--purge-uploads"]],
  [{}, { deleteUntagged: true, dropDanglingTags: true, purgeUploads: true, pruneEmpty: true, grace: 0 }, []],
  [{ grace: 0 }, {}, ["--grace 0s"]],
  [{ grace: 86_400 }, { grace: 86_401 }, ["--grace 1d"]],
  [{ grace: 5400 }, { grace: 86_401 }, ["--grace 90m"]],
  [{ uploadsOlderThan: 3600 }, {}, []],
  [{ uploadsOlderThan: 7200, purgeUploads: true }, { purgeUploads: true }, ["--uploads-older-than 2h"]],
  [{ repository: "team/*" }, { repository: "team/*" }, []],
  [{ repository: "team/*" }, {}, []],
  [{ repository: "team/*" }, { repository: "team/app" }, ["--repository team/*"]],
  [{}, { repository: "team/app" }, ["no --repository"]],
])("a plan made with %j and swept with %j lacks %j", (plan, run, lacking) => {
  expect(lackingOptions({ ...LEAST, ...plan }, { ...LEAST, ...run })).toEqual(lacking);
});

test("terms are read as they were written, and taken for none where anything is missing or wrong", () => {
  const terms = { ...LEAST, repository: "team/*" };
  expect(parseTerms(JSON.parse(JSON.stringify(terms)))).toEqual(terms);
  expect(parseTerms(JSON.parse(JSON.stringify(LEAST)))).toEqual(LEAST);
  for (const name of Object.keys(LEAST)) expect(parseTerms({ ...terms, [name]: null })).toBeUndefined();
  for (const value of [undefined, null, "", 1, [], {}]) expect(parseTerms(value)).toBeUndefined();
});

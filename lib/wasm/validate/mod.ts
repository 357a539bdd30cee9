/** Validation: a decoded module against the rules of the specification's chapter "Validation". */
export { validateDefinitions, validateModule } from "./module.ts";
export { validateBody, ValidationScratch } from "./body.ts";

// The house's measures of JavaScript, and ESLint's own list of mistakes. Run by `make lint`.

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/signalsmith-stretch.mjs"] },  // kept as it came
  js.configs.recommended,
  {
    files: ["musiclab/**/*.js", "docs/**/*.js", "tests/browser/**/*.js"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: globals.browser },
    rules: {
      "max-len": ["error", { code: 120 }],
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", { max: 60 }],
      complexity: ["error", { max: 16 }],
      eqeqeq: "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { caughtErrors: "all" }],
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      quotes: ["error", "double", { avoidEscape: true }],
      semi: ["error", "always"],
    },
  },
];

import compat from "eslint-plugin-compat";
import vue from "eslint-plugin-vue";
import ts from "typescript-eslint";

export default ts.config(
  ...ts.configs.recommended,
  ...vue.configs["flat/essential"],
  compat.configs["flat/recommended"],
  {
    files: ["src/**/*.vue"],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  { rules: { "vue/multi-word-component-names": "off" }, settings: { polyfills: [] } },
);

; JavaScript and what is built on it; see python.names.scm for what the captures mean.

[(identifier) (shorthand_property_identifier) (shorthand_property_identifier_pattern)] @use

(export_clause) @ignore
(namespace_export) @ignore
(import_specifier name: (_) @ignore alias: (_))

(import_clause (identifier) @binds)
(namespace_import (identifier) @binds)
(import_specifier !alias name: (identifier) @binds)
(import_specifier alias: (identifier) @binds)

(variable_declarator name: (_) @binds)
(assignment_expression left: [(identifier) (object_pattern) (array_pattern)] @binds)
(for_in_statement left: [(identifier) (object_pattern) (array_pattern)] @binds)
(catch_clause parameter: (_) @binds)
(arrow_function parameter: (identifier) @binds)

(function_declaration name: (_) @binds.outer)
(generator_function_declaration name: (_) @binds.outer)
(class_declaration name: (_) @binds.outer)
(function_expression name: (_) @binds)
(class name: (_) @binds)

(member_expression object: (this) property: (property_identifier) @own)

(assignment_expression left: (member_expression) @makes)
(augmented_assignment_expression left: (member_expression) @makes operator: ["??=" "||="])
(assignment_pattern left: (member_expression) @makes)
(array_pattern (member_expression) @makes)
(pair_pattern value: (member_expression) @makes)
(rest_pattern (member_expression) @makes)
(for_in_statement left: (member_expression) @makes)

; Whether a name exists is what `typeof` is for.
(unary_expression operator: "typeof" argument: (identifier) @ignore)

; Files of other languages, and generated ones, which are often ignored, may have names that nobody has read.
((import_statement
  (import_clause (named_imports (import_specifier name: (identifier) @imported)))
  source: (string (string_fragment) @_from))
  (#match? @_from "^\\.")
  (#not-match? @_from "generated|[.](vue|svelte|astro|s?css|sass|less|json|graphql|gql|wasm|svg|mdx?|gen)$"))
((export_statement
  (export_clause (export_specifier name: (identifier) @imported))
  source: (string (string_fragment) @_from))
  (#match? @_from "^\\.")
  (#not-match? @_from "generated|[.](vue|svelte|astro|s?css|sass|less|json|graphql|gql|wasm|svg|mdx?|gen)$"))

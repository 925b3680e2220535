; See python.names.scm for what the captures mean. What stands in macros is not known to be code.

(identifier) @use
(type_identifier) @type
(field_pattern name: (shorthand_field_identifier) @use)

(token_tree) @ignore
(token_tree_pattern) @ignore
(attribute_item) @ignore
(inner_attribute_item) @ignore
(visibility_modifier) @ignore
; Of a path only where it begins can be asked about.
(scoped_identifier path: (identifier) @package)
(scoped_identifier name: (_) @ignore)
(scoped_type_identifier) @ignore
(macro_invocation macro: (_) @ignore)
(lifetime (identifier) @ignore)
(label (identifier) @ignore)
(enum_variant name: (_) @ignore)

(use_declaration) @binds
(extern_crate_declaration) @binds
(let_declaration pattern: (_) @binds)
(let_condition pattern: (_) @binds)
(match_arm pattern: (_) @binds)
(for_expression pattern: (_) @binds)
(parameter pattern: (_) @binds)
(closure_parameters) @binds
(const_item name: (_) @binds)
(static_item name: (_) @binds)
(mod_item name: (_) @binds)
(macro_definition name: (_) @binds)
(const_parameter name: (_) @binds.inside)
(type_parameter name: (_) @binds.inside)

(function_item name: (_) @binds.outer)
(function_signature_item name: (_) @binds.outer)
(struct_item name: (_) @binds)
(enum_item name: (_) @binds)
(union_item name: (_) @binds)
(trait_item name: (_) @binds)
(type_item name: (_) @binds)
(associated_type name: (_) @binds)

(field_expression value: (self) field: (field_identifier) @own)

; What build scripts write is in no file that anybody has read.
((use_declaration argument: (scoped_identifier path: (_) @_from name: (identifier) @imported))
  (#match? @_from "^(crate|super|self)($|::)")
  (#not-match? @_from "generated|proto|_pb|bindings"))
((use_declaration argument: (scoped_use_list path: (_) @_from list: (use_list (identifier) @imported)))
  (#match? @_from "^(crate|super|self)($|::)")
  (#not-match? @_from "generated|proto|_pb|bindings"))

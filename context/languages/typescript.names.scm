(type_identifier) @type

(required_parameter pattern: (_) @binds)
(optional_parameter pattern: (_) @binds)
(index_signature name: (identifier) @binds)
(type_parameter name: (_) @binds.inside)
(mapped_type_clause name: (_) @binds)
(infer_type (type_identifier) @binds)
(type_predicate name: (identifier) @ignore)

; Of a qualified name only the leftmost part can be asked about.
(nested_type_identifier module: (identifier) @namespace)
(nested_identifier object: (identifier) @namespace)
(nested_type_identifier name: (_) @ignore)

(function_signature name: (_) @binds.outer)
(abstract_class_declaration name: (_) @binds.outer)
(interface_declaration name: (_) @binds.outer)
(type_alias_declaration name: (_) @binds.outer)
(enum_declaration name: (_) @binds.outer)
(internal_module name: (_) @binds.outer)
(module name: (identifier) @binds.outer)
(import_alias . (identifier) @binds)
(import_require_clause . (identifier) @binds)

; The members of an enumeration are known in its own values.
(enum_body name: (property_identifier) @binds)
(enum_assignment name: (property_identifier) @binds)


; The labels of tuples.
(required_parameter name: (identifier) @ignore)
(optional_parameter name: (identifier) @ignore)

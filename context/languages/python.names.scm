; What the names in a stretch of code are. `binds` is an area in which every name is given a value, `binds.outer`
; a name that belongs to the scope around the node that carries it, `ignore` an area without names; of the
; rest, every `use` has to be known from somewhere, and every `imported` name from another file of the workspace.
; `binds.inside` names are seen in the functions of a class, too; `makes` is a member that is given a value.

(identifier) @use

(attribute attribute: (identifier) @ignore)
(keyword_argument name: (identifier) @ignore)
(dotted_name (identifier) (identifier) @ignore)
(import_from_statement module_name: (_) @ignore)
(aliased_import name: (_) @ignore)

(import_statement name: (dotted_name . (identifier) @binds))
(import_from_statement name: (dotted_name . (identifier) @binds))
(future_import_statement name: (dotted_name . (identifier) @binds))
(aliased_import alias: (identifier) @binds)

(assignment left: [(identifier) (pattern_list) (tuple_pattern) (list_pattern)] @binds)
(named_expression name: (identifier) @binds)
(for_statement left: (_) @binds)
(for_in_clause left: (_) @binds)
(as_pattern_target) @binds
(case_pattern) @binds
(global_statement) @binds
(nonlocal_statement) @binds

(parameters [(identifier) (list_splat_pattern) (dictionary_splat_pattern) (tuple_pattern)] @binds)
(parameters [(default_parameter name: (_) @binds) (typed_default_parameter name: (_) @binds)])
(parameters (typed_parameter . (_) @binds))
(lambda_parameters [(identifier) (list_splat_pattern) (dictionary_splat_pattern) (tuple_pattern)] @binds)
(lambda_parameters (default_parameter name: (_) @binds))

(function_definition name: (identifier) @binds.outer)
(class_definition name: (identifier) @binds.outer)
(function_definition type_parameters: (type_parameter) @binds.inside)
(class_definition type_parameters: (type_parameter) @binds.inside)
(type_alias_statement left: (_) @binds)

((attribute object: (identifier) @_object attribute: (identifier) @own)
  (#any-of? @_object "self" "cls"))

(assignment left: (attribute) @makes)
(pattern_list (attribute) @makes)
(tuple_pattern (attribute) @makes)
(list_pattern (attribute) @makes)
(list_splat_pattern (attribute) @makes)
(for_statement left: (attribute) @makes)
(for_in_clause left: (attribute) @makes)
(as_pattern_target (attribute) @makes)
(as_pattern_target (tuple (attribute) @makes))
(as_pattern_target (list (attribute) @makes))

; Generated modules (protocol buffers) make names at run time, or are ignored and not read.
((import_from_statement
  module_name: (relative_import) @_from
  name: [(dotted_name . (identifier) @imported .) (aliased_import name: (dotted_name . (identifier) @imported .))])
  (#not-match? @_from "_pb2|generated"))

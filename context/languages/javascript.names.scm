(formal_parameters [(identifier) (object_pattern) (array_pattern) (rest_pattern)] @binds)
(formal_parameters (assignment_pattern left: (_) @binds))
